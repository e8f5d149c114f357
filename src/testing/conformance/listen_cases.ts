/**
 * Ports: listening, dialling, and strangers that knock.
 *
 * @module
 */
import type { WebSocketEvent } from "../../transport/websocket.ts";
import { equal, ok, rejects, until } from "./check.ts";
import { textSocket, withRing, withSockets } from "./ring.ts";
import { type Case, type Having, having } from "./subject.ts";

type Knocking = Having<"webSocket">;

/** Sends messages as a stranger; gives the code and reason of the end. */
function knock(
  { webSocket }: Knocking,
  url: string,
  messages: readonly (string | Uint8Array<ArrayBuffer>)[],
): Promise<[code: number, reason: string]> {
  const stranger = new webSocket(url);
  stranger.addEventListener("open", () => {
    for (const message of messages) stranger.send(message as never);
  });
  return new Promise((resolve) => {
    stranger.addEventListener("error", () => {});
    stranger.addEventListener(
      "close",
      ({ code, reason }: WebSocketEvent) => resolve([code!, reason!]),
    );
  });
}

const openingCases: readonly Case[] = [
  having(
    ["listen"],
    "listen() takes a free port, and gives the url",
    (subject) =>
      withSockets([textSocket(subject)], async (sock) => {
        const { hostname, port, url } = await subject.listen(sock);
        equal(hostname, "127.0.0.1");
        ok(port > 0 && port < 65_536, `${port} is a port`);
        equal([url, sock.url], Array(2).fill(`ws://127.0.0.1:${port}/`));
      }),
  ),

  having(
    ["listen"],
    "a port in use is refused, and the next one is free",
    (subject) => {
      const sockets = [textSocket(subject), textSocket(subject)];
      return withSockets(sockets, async (one, two) => {
        const { port } = await subject.listen(one!);
        const error = await rejects(
          () => subject.listen(two!, { port }),
          "ListenError",
        );
        equal([error.code, error.applied], ["listen", "no"]);
        ok(error.message.includes(`127.0.0.1:${port}`), error.message);
        equal(two!.url, "");
        ok((await subject.listen(two!)).port !== port, "another port");
      });
    },
  ),

  having(
    ["listen"],
    "an address that is not this machine's is refused",
    (subject) =>
      withSockets([textSocket(subject)], async (sock) => {
        // For documentation (RFC 5737): no machine has it.
        const hostname = "192.0.2.1";
        await rejects(() => subject.listen(sock, { hostname }), "ListenError");
      }),
  ),

  having(
    ["listen"],
    "a wildcard needs the url that others may dial",
    async (subject) => {
      const hostname = "0.0.0.0";
      await withSockets([textSocket(subject)], async (sock) => {
        await rejects(() => subject.listen(sock, { hostname }), "TypeError");
      });
      const url = "ws://127.0.0.1:4444/";
      const sockets = [textSocket(subject, { url }), textSocket(subject)];
      await withSockets(sockets, async (one, two) => {
        const listening = await subject.listen(one!, { hostname });
        equal(listening.url, url);
        await two!.connect("127.0.0.1", listening.port);
      });
    },
  ),

  having(["listen"], "a closed socket cannot listen", async (subject) => {
    const sock = textSocket(subject);
    await sock.close();
    await rejects(() => subject.listen(sock), "ClosedError");
  }),

  having(
    ["listen"],
    "a dial to nobody, and one to itself, are told apart",
    (subject) =>
      withSockets(
        [textSocket(subject), textSocket(subject)],
        async (one, two) => {
          const { url } = await subject.listen(one!);
          await rejects(() => one!.connect(url), "SelfConnectError");
          await one!.close();
          const error = await rejects(
            () => two!.connect(url),
            "ConnectionError",
          );
          equal([error.code, error.applied], ["connection", "no"]);
        },
      ),
  ),

  having(["listen"], "the subnet's refusal reaches the dialler", (subject) => {
    const sockets = ["one", "two"]
      .map((subnet) => textSocket(subject, { subnet }));
    return withSockets(sockets, async (one, two) => {
      const { url } = await subject.listen(one!);
      await rejects(() => two!.connect(url), "SubnetMismatchError");
    });
  }),

  having(
    ["listen"],
    "two nodes that dial each other at once are connected once",
    (subject) =>
      withSockets(
        [textSocket(subject), textSocket(subject)],
        async (one, two) => {
          await Promise.all([subject.listen(one!), subject.listen(two!)]);
          const [toTwo, toOne] = await Promise.all([
            one!.connect(two!.url),
            two!.connect(one!.url),
          ]);
          equal([toTwo!.id, toOne!.id], [two!.id, one!.id]);
          await until(
            "one link is left",
            () => one!.stats().links === 1 && two!.stats().links === 1,
          );
          await one!.send(["hello"]);
          await until("it arrives", () => two!.stats().messagesWaiting === 1);
        },
      ),
  ),
];

const closingCases: readonly Case[] = [
  having(
    ["listen"],
    "close() of a listener ends what came in, and frees the port",
    (subject) =>
      withSockets(
        [textSocket(subject), textSocket(subject)],
        async (one, two) => {
          const listening = await subject.listen(one!);
          await two!.connect(listening.url);
          const ended = new Promise((resolve) =>
            two!.once("disconnect", resolve)
          );
          await listening.close();
          await ended;
          await listening.close();
          equal(one!.status.state !== "closed", true, "the socket stays open");
          const again = await subject.listen(one!, { port: listening.port });
          equal(again.port, listening.port);
        },
      ),
  ),

  having(["listen"], "close() of a socket frees its port", async (subject) => {
    const one = textSocket(subject);
    const { port } = await subject.listen(one);
    await withSockets([textSocket(subject)], async (two) => {
      await two.connect(one.url);
      await one.close();
      await subject.listen(two, { port });
    });
  }),
];

const strangerCases: readonly Case[] = [
  having(
    ["listen"],
    "a request for a page gets 426",
    (subject) =>
      withSockets([textSocket(subject)], async (sock) => {
        const { port } = await subject.listen(sock);
        const response = await fetch(`http://127.0.0.1:${port}/`);
        equal(response.status, 426);
        equal(response.headers.get("upgrade"), "websocket");
        ok((await response.text()).includes("WebSocket"), "it says why");
      }),
  ),

  having(["serve"], "one port has pages, and peers by upgrade()", (subject) => {
    const sockets = [textSocket(subject), textSocket(subject)];
    return withSockets(sockets, async (one, two) => {
      const server = await subject.serve(one!);
      try {
        const at = `127.0.0.1:${server.port}`;
        const page = await fetch(`http://${at}/`);
        equal([page.status, await page.text()], [200, "a page"]);
        const none = await fetch(`http://${at}/peers`);
        equal(none.status, 426);
        await none.body?.cancel();
        await one!.listening(`ws://${at}/peers`);
        await one!.join();
        await two!.connect(one!.url);
        const value = "x".repeat(300_000);
        await two!.set("key", value);
        ok(await one!.get("key") === value, "it is what was written");
      } finally {
        await Promise.all(sockets.map((sock) => sock.close()));
        await server.close();
      }
    });
  }),

  having(
    ["listen", "webSocket"],
    "garbage ends its own link, with a reason",
    (subject) =>
      withRing(subject, 2, async ({ first, nodes }) => {
        const errors: string[] = [];
        first.on("error", ({ name }) => errors.push(name));
        const ends = await Promise.all([
          knock(subject, first.url, ["text"]),
          knock(subject, first.url, [new Uint8Array()]),
          knock(subject, first.url, [new Uint8Array(200_000).fill(7)]),
          // A message of 4 GiB is announced.
          knock(subject, first.url, [
            Uint8Array.of(255, 255, 255, 255, 255, 0),
          ]),
          // A piece without a beginning.
          knock(subject, first.url, [Uint8Array.of(3, 0, 1)]),
        ]);
        for (const [code, reason] of ends) {
          equal(code, 4001, `the code of "${reason}"`);
          ok(reason !== "", "there is a reason");
        }
        await until("the ring's link is left", () => first.stats().links === 1);
        equal(errors, Array(5).fill("ProtocolError"));
        await nodes[1]!.set("key", "value");
        equal(await first.get("key"), "value");
      }),
  ),

  having(
    ["listen", "webSocket"],
    "who sends far too much is cut off",
    (subject) =>
      withRing(subject, 1, async ({ first }) => {
        const huge = new Uint8Array(20_000_000);
        const [code] = await knock(subject, first.url, [huge]);
        ok(code !== 1000, `${code} is no ordinary end`);
        await until("its link is gone", () => first.stats().links === 0);
        await first.set("key", "value");
      }),
  ),

  having(
    ["listen", "webSocket"],
    "a peer that never says hello is shown out",
    (subject) => {
      const sock = textSocket(subject, { timings: { handshakeMs: 100 } });
      return withSockets([sock], async (sock) => {
        const { url } = await subject.listen(sock);
        const [code] = await knock(subject, url, []);
        equal(code, 4006);
        await until("its link is gone", () => sock.stats().links === 0);
      });
    },
  ),
];

/** Listening, and being knocked at. */
export const listenCases: readonly Case[] = [
  ...openingCases,
  ...closingCases,
  ...strangerCases,
];
