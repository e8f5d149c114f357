/** What a caller can do wrong: an error at once, and nothing is sent. */
import { bytes, ChordSocket, json, MeshSocket, text } from "@chord/dict";
import { listen } from "@chord/dict/deno";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { TestRing, textSocket } from "./fixture.ts";

// deno-lint-ignore no-explicit-any -- the point is to pass what types forbid
type Wrong = any;

Deno.test("wrong keys, values, time-outs and urls are refused before anything is sent", async () => {
  await using ring = await TestRing.of(1);
  const sock = new ChordSocket();
  await using _ = sock;
  await sock.connect(ring.first.url);
  const { framesSent } = sock.stats();
  const signal = AbortSignal.abort();

  for (const key of ["", new Uint8Array(), "x".repeat(1025), 3, null, {}, []]) {
    const wrong = key as Wrong;
    await assertRejects(() => sock.get(wrong), TypeError);
    await assertRejects(() => sock.set(wrong, "value"), TypeError);
    await assertRejects(() => sock.del(wrong), TypeError);
    await assertRejects(() => sock.has(wrong), TypeError);
    await assertRejects(() => sock.pop(wrong, null), TypeError);
    await assertRejects(() => sock.setdefault(wrong, "value"), TypeError);
    await assertRejects(() => sock.update([[wrong, "value"]]), TypeError);
  }
  for (const value of [undefined, null, 3, {}, [1]]) {
    const wrong = value as Wrong;
    await assertRejects(() => sock.set("key", wrong), TypeError);
    await assertRejects(() => sock.setdefault("key", wrong), TypeError);
    await assertRejects(() => sock.update({ fine: "", key: wrong }), TypeError);
  }
  const large = new Uint8Array(1024 * 1024 + 1);
  await assertRejects(() => sock.set("key", large), RangeError, "1048577");
  await assertRejects(() => sock.setdefault("key", large), RangeError);
  await assertRejects(() => sock.update({ fine: "", large }), RangeError);
  for (const timeoutMs of [-1, NaN, -Infinity]) {
    const options = { timeoutMs };
    await assertRejects(() => sock.get("key", null, options), RangeError);
    await assertRejects(() => sock.set("key", "value", options), RangeError);
    await assertRejects(() => sock.update({}, options), RangeError);
    await assertRejects(() => sock.join(options), RangeError);
    await assertRejects(() => sock.size(options), RangeError);
    await assertRejects(
      () => sock.connect(ring.first.url, options),
      RangeError,
    );
  }
  const wrong = { timeoutMs: "5" } as Wrong;
  await assertRejects(() => sock.del("key", wrong), TypeError);
  await assertRejects(
    () => sock.get("key", null, { read: "some" } as Wrong),
    TypeError,
  );
  await assertRejects(
    () => sock.get("key", null, { signal: 3 } as Wrong),
    TypeError,
  );
  for (const url of ["http://127.0.0.1/", "", "localhost", 3, undefined]) {
    await assertRejects(() => sock.connect(url as Wrong), TypeError);
  }
  await assertRejects(
    () => sock.connect("ws://127.0.0.1/" + "x".repeat(2048)),
    RangeError,
  );
  for (const entries of [null, "text", 3, [1], [["key"]]]) {
    await assertRejects(() => sock.update(entries as Wrong), TypeError);
  }
  await assertRejects(() => sock.set("key", "value", { signal }), Error);
  assertEquals(sock.stats().framesSent, framesSent);
});

Deno.test("the largest key and the largest value are taken", async () => {
  await using sock = new ChordSocket();
  await sock.join();
  const key = new Uint8Array(1024).fill(255);
  const value = new Uint8Array(1024 * 1024).fill(7);
  await sock.set(key, value);
  assertEquals((await sock.get(key))?.length, value.length);
  assertEquals((await sock.popitem())[0], key);
});

Deno.test("the caller's arrays are its own, before and after", async () => {
  await using sock = new ChordSocket();
  await sock.join();
  const key = Uint8Array.of(1, 2);
  const value = Uint8Array.of(3, 4);
  const set = sock.set(key, value);
  key.fill(0);
  value.fill(0);
  await set;
  const read = (await sock.get(Uint8Array.of(1, 2)))!;
  assertEquals(read, Uint8Array.of(3, 4));
  read.fill(9);
  assertEquals(await sock.get(Uint8Array.of(1, 2)), Uint8Array.of(3, 4));
});

Deno.test("a string and its UTF-8 are one key", async () => {
  await using sock = new ChordSocket();
  await sock.join();
  await sock.set("é", "value");
  assertEquals(
    await sock.get(Uint8Array.of(0xc3, 0xa9)),
    new TextEncoder().encode("value"),
  );
});

Deno.test("wrong options are refused when a socket is made", () => {
  const wrong: Wrong[] = [
    { subnet: 3 },
    { url: "http://127.0.0.1/" },
    { replicas: "3" },
    { secret: 1234567890123456 },
    { secret: "one is enough, yes?", secrets: ["one is enough, yes?"] },
    { secrets: "one is enough, yes?" },
    { secrets: [null] },
    { limits: 3 },
    { limits: { messagesPerSecond: 2_000 } },
    { limits: { bytesPerSecondMax: "1000000" } },
    { leasing: "yes" },
    { leaseMs: 1000 },
    { leasing: true, leaseMs: "1000" },
    3,
    null,
  ];
  for (const options of wrong) {
    assertThrows(() => new ChordSocket(options), TypeError);
  }
  assertThrows(() => new ChordSocket({ replicas: 0 }), RangeError);
  assertThrows(() => new ChordSocket({ replicas: 1.5 }), RangeError);
  for (const leaseMs of [0, 1.5, NaN, 400_000_000_000]) {
    const options = { leasing: true, leaseMs };
    assertThrows(() => new ChordSocket(options), RangeError);
  }
  for (
    const options of [
      { secret: "" },
      { secret: "15 bytes of it." },
      { secret: new Uint8Array(1025) },
      { secrets: [] },
      { secrets: Array(9).fill(new Uint8Array(16)) },
    ]
  ) {
    assertThrows(() => new MeshSocket(options), RangeError, "secret");
  }
  for (
    const limits of [
      { messagesPerSecondMax: 999 },
      { bytesPerSecondMax: 100_000 },
      { requestsInFlightMax: 0 },
      { linksPerNodeMax: 1 },
      { linksPerNodeMax: 2.5 },
      { dialsPendingMax: Infinity },
      { handshakesPendingMax: NaN },
    ]
  ) {
    const [name] = Object.keys(limits);
    assertThrows(() => new MeshSocket({ limits }), RangeError, name);
  }
  assertThrows(() => new MeshSocket({ maxConnections: 0 }), RangeError);
  assertThrows(() => new MeshSocket({ subnet: "x".repeat(257) }), RangeError);
});

Deno.test("what is no message, no WebSocket and no duplex is refused", async () => {
  await using sock = new MeshSocket();
  await assertRejects(() => sock.send("text" as Wrong), TypeError);
  await assertRejects(() => sock.send([undefined as Wrong]), TypeError);
  await assertRejects(() => sock.send([], { to: "some" as Wrong }), TypeError);
  await assertRejects(
    () => sock.send([new Uint8Array(1024 * 1024)]),
    RangeError,
  );
  await assertRejects(() => sock.send(Array(1025).fill(0)), RangeError);
  assertThrows(() => sock.accept({} as Wrong), TypeError);
  assertThrows(() => sock.attach({} as Wrong), TypeError);
  assertThrows(() => sock.on("peer", 3 as Wrong), TypeError);
});

Deno.test("the codecs refuse what they cannot tell, and say what they take", () => {
  assertThrows(() => bytes.encode(3 as Wrong), TypeError, "number");
  assertThrows(() => text.encode(Uint8Array.of(1) as Wrong), TypeError);
  assertThrows(() => text.encode("\ud800"), TypeError, "surrogate");
  assertThrows(() => json.encode(undefined), TypeError);
  assertEquals(json.decode(json.encode(null)), null);
});

Deno.test("a codec that gives no bytes is found out before anything is sent", async () => {
  await using sock = new ChordSocket({
    keys: { encode: () => "text" as Wrong, decode: () => "" },
  });
  await sock.join();
  await assertRejects(() => sock.set("key", "value"), TypeError, "codec");
});

Deno.test("a typed socket gives what its codecs decode", async () => {
  interface Session {
    readonly user: string;
    readonly roles: readonly string[];
  }
  await using sock = new ChordSocket<string, Session>({
    keys: text,
    values: json,
  });
  await sock.join();
  const session: Session = { user: "ada", roles: ["admin"] };
  await sock.set("session", session);
  const found: Session | undefined = await sock.get("session");
  assertEquals(found, session);
  assertEquals(await sock.items()[Symbol.asyncIterator]().next(), {
    done: false,
    value: ["session", session],
  });
});

Deno.test("listening on all addresses needs a url that peers can dial", async () => {
  await using sock = textSocket();
  await assertRejects(
    () => listen(sock, { hostname: "0.0.0.0" }),
    TypeError,
    "url",
  );
  await using other = textSocket({ url: "ws://localhost:1/" });
  const listener = await listen(other, { hostname: "0.0.0.0" });
  assertEquals(other.url, "ws://localhost:1/");
  assert(listener.port > 0);
});
