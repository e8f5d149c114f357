/** Limits of what a peer may send, over real WebSockets. */
import { MeshSocket } from "@chord/dict";
import { listen } from "@chord/dict/deno";
import { assert, assertEquals } from "@std/assert";
import { until } from "./fixture.ts";

Deno.test("a peer that sends faster than allowed loses time and nothing else", async () => {
  await using slow = new MeshSocket({
    limits: { messagesPerSecondMax: 1_000 },
  });
  await using peer = new MeshSocket();
  const { url } = await listen(slow, { hostname: "127.0.0.1", port: 0 });
  await peer.connect(url);
  let ended = 0;
  for (const sock of [slow, peer]) sock.on("disconnect", () => ended++);
  const got: unknown[] = [];
  slow.registerHandler(({ packets }) => {
    got.push(packets[0]);
    return true;
  });
  const startMs = performance.now();
  const count = 2_500;
  for (let i = 0; i < count; i++) {
    await peer.send([i], { to: "neighbours" });
  }
  await until("all are there", () => got.length === count);
  const tookMs = performance.now() - startMs;
  assertEquals(got, [...Array(count).keys()]);
  // One second's worth may come at once; the last frame is not waited for.
  assert(tookMs > 1_000, `${tookMs} ms`);
  assertEquals(ended, 0);
});

Deno.test("a peer that sends far too much over a WebSocket is cut off", async () => {
  await using slow = new MeshSocket({ limits: { bytesPerSecondMax: 131_072 } });
  await using peer = new MeshSocket();
  const { url } = await listen(slow, { hostname: "127.0.0.1", port: 0 });
  await peer.connect(url);
  const ended = new Promise<number>((resolve) => {
    slow.once("disconnect", (_connection, code) => resolve(code));
  });
  for (let i = 0; i < 8; i++) {
    await peer.send([new Uint8Array(1_000_000)], { to: "neighbours" });
  }
  assertEquals(await ended, 4007);
});
