/** Secrets over real WebSockets, and strangers who try without. */
import { ChordSocket, MeshSocket } from "@chord/dict";
import { listen } from "@chord/dict/deno";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AuthError } from "../../src/base/errors.ts";
import { TestRing, textSocket, until } from "./fixture.ts";

const SECRET = "what only members know";

/** Sends `messages` to `url`, one after each answer; gives how it ended. */
function knock(
  url: string,
  messages: readonly Uint8Array<ArrayBuffer>[],
): Promise<{ code: number; heard: number }> {
  const stranger = new WebSocket(url);
  const waiting = [...messages];
  let heard = 0;
  stranger.binaryType = "arraybuffer";
  stranger.onopen = () => stranger.send(waiting.shift()!);
  stranger.onmessage = ({ data }) => {
    heard += (data as ArrayBuffer).byteLength;
    const next = waiting.shift();
    if (next !== undefined) stranger.send(next);
  };
  return new Promise((resolve) => {
    stranger.onclose = ({ code }) => resolve({ code, heard });
  });
}

/** A `WebSocket` that remembers what was sent on it. */
function recording(sent: Uint8Array<ArrayBuffer>[]): typeof WebSocket {
  return class extends WebSocket {
    override send(data: Uint8Array<ArrayBuffer>): void {
      sent.push(data.slice());
      super.send(data);
    }
  };
}

Deno.test("a ring with a secret works as any other", async () => {
  await using ring = await TestRing.of(3, { secret: SECRET });
  const leaf = await ring.leaf({ secret: SECRET });
  await leaf.update({ one: "1", two: "2", three: "3" });
  assertEquals(await ring.first.get("two"), "2");
  assertEquals(await leaf.size(), 3);
  assert(ring.nodes.every(({ status }) => status.secured));
});

Deno.test("what a member said to get in lets nobody else in", async () => {
  await using ring = await TestRing.of(1, { secret: SECRET });
  const errors: string[] = [];
  ring.first.on("error", ({ name }) => errors.push(name));
  const sent: Uint8Array<ArrayBuffer>[] = [];
  const leaf = textSocket({ secret: SECRET, webSocket: recording(sent) });
  await leaf.connect(ring.first.url);
  await leaf.close();
  // Its challenge and its proof are one frame.
  const said = sent.filter(({ length }) => length > 1).slice(0, 1);
  const { code } = await knock(ring.first.url, said);
  assertEquals(code, 4010);
  await until("it was told", () => errors.length === 1);
  assertEquals(errors, ["AuthError"]);
});

Deno.test("a stranger who floods is cut off, and a member gets in meanwhile", async () => {
  await using ring = await TestRing.of(1, { secret: SECRET });
  const flood = Array.from({ length: 20 }, () => {
    const stranger = new WebSocket(ring.first.url);
    stranger.onopen = () => {
      for (let i = 0; i < 50; i++) stranger.send(new Uint8Array(100_000));
    };
    return new Promise<number>((resolve) => {
      stranger.onclose = ({ code }) => resolve(code);
    });
  });
  const leaf = await ring.leaf({ secret: SECRET });
  await leaf.set("key", "value");
  const codes = await Promise.all(flood);
  // What is on its way when a connection ends makes it break: code 0 in Deno.
  assert(codes.every((code) => code === 4001 || code === 0), codes.join());
  await until("they are gone", () => ring.first.stats().links === 1);
  assertEquals(ring.first.stats().queuedBytes, 0);
  assertEquals(await leaf.get("key"), "value");
});

Deno.test("no secret shows in an error, in stats or in what is printed", async () => {
  const errors: string[] = [];
  const secrets = [SECRET, "and another one of them"];
  await using sock = new ChordSocket({
    secrets,
    onError: (error) => errors.push(Deno.inspect(error)),
  });
  await using stranger = new MeshSocket({ secret: "some other secret" });
  await listen(sock, { hostname: "127.0.0.1", port: 0 });
  const error = await assertRejects(
    () => stranger.connect(sock.url),
    AuthError,
  );
  await until("the other side was told", () => errors.length > 0);
  const shown = [
    Deno.inspect(sock, { depth: 20, showHidden: true }),
    JSON.stringify([sock, sock.stats(), sock.status]),
    Deno.inspect(error),
    ...errors,
  ].join("\n");
  for (const secret of secrets) assert(!shown.includes(secret), shown);
});

Deno.test("where nothing computes with a secret, the error says where it would", () => {
  // As a page that came by http has it.
  Object.defineProperty(crypto, "subtle", {
    value: undefined,
    configurable: true,
  });
  try {
    assertThrows(() => new MeshSocket({ secret: SECRET }), TypeError, "https");
    new MeshSocket();
  } finally {
    Reflect.deleteProperty(crypto, "subtle"); // The platform's is inherited.
  }
  new MeshSocket({ secret: SECRET });
});
