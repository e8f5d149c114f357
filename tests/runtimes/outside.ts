import { ChordSocket, text } from "@chord/dict";
import { listen } from "@chord/dict/deno";
import type { Outside } from "../../src/testing/conformance/subject.ts";

/** A ring of two members and some servers, for subjects anywhere. */
export interface OutsideRing extends Outside, AsyncDisposable {}

function member(): ChordSocket<string, string> {
  const options = { subnet: "outside", keys: text, values: text };
  return new ChordSocket(options).registerHandler((message) => {
    if (message.packets[0] === "echo") void message.reply(message.packets);
    return true;
  });
}

interface Server extends AsyncDisposable {
  readonly at: string;
}

function serve(answer: (request: Request) => Response): Server {
  const stop = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: stop.signal,
    onListen: () => {},
  }, answer);
  return {
    at: `ws://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await server.finished;
    },
  };
}

/** A port that was free a moment ago. */
function freeAddress(): string {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return `ws://127.0.0.1:${port}/`;
}

/** Starts what `Outside` says, on this machine's loopback. */
export async function startOutside(): Promise<OutsideRing> {
  await using stack = new AsyncDisposableStack();
  const [one, two] = [stack.use(member()), stack.use(member())];
  const { url } = await listen(one);
  await one.join();
  await listen(two);
  await two.connect(url);
  await two.join();
  await two.settled();
  const mute = stack.use(
    serve((request) => Deno.upgradeWebSocket(request).response),
  );
  const pages = stack.use(serve(() => new Response("a page")));
  const rest = stack.move();
  return {
    url,
    muteUrl: mute.at,
    pagesUrl: pages.at,
    nobodyUrl: freeAddress(),
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}
