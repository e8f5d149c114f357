/**
 * Beginnings, ends and refusals, where no port is needed.
 *
 * @module
 */
import { equal, Failure, ok, rejects } from "./check.ts";
import { textSocket, withRing, withSockets } from "./ring.ts";
import { always, type Case } from "./subject.ts";

/** Closing, giving up, timing out, calling wrongly. */
export const lifeCases: readonly Case[] = [
  always(
    "a call on a closed socket says so, and did nothing",
    async (subject) => {
      const sock = textSocket(subject);
      await sock.join();
      await sock.close();
      equal(sock.status.state, "closed");
      const calls = [
        () => sock.set("key", "value"),
        () => sock.get("key"),
        () => sock.size(),
        () => sock.join(),
        () => sock.connect("ws://127.0.0.1:1/"),
        () => sock.send(["text"]),
        () => sock.attach(subject.library.memoryPair()[0]),
      ];
      for (const call of calls) {
        const error = await rejects(call, "ClosedError");
        equal([error.code, error.applied], ["closed", "no"]);
        ok(error instanceof subject.library.ChordError, "it is a ChordError");
      }
      await sock.close();
    },
  ),

  always("Symbol.asyncDispose closes a socket", async (subject) => {
    const sock = textSocket(subject);
    await sock[Symbol.asyncDispose]();
    equal(sock.status.state, "closed");
  }),

  always("close() ends what waits", async (subject) => {
    const sock = textSocket(subject);
    const [left] = subject.library.memoryPair();
    const attaching = sock.attach(left);
    const message = sock.messages().next();
    const closed = rejects(() => attaching, "ClosedError");
    await sock.close();
    await closed;
    equal<unknown>(await message, { done: true, value: undefined });
  }),

  always(
    "a peer that says nothing is given up in time",
    (subject) =>
      withSockets([textSocket(subject)], async (sock) => {
        const [left] = subject.library.memoryPair();
        const error = await rejects(
          () => sock.attach(left, { timeoutMs: 50 }),
          "TimeoutError",
        );
        equal([error.code, error.applied], ["timeout", "no"]);
        equal(sock.stats().callsWaiting, 0);
      }),
  ),

  always(
    "a signal ends a call, with its reason as the cause",
    (subject) =>
      withSockets([textSocket(subject)], async (sock) => {
        const reason = new Failure("changed my mind");
        const stop = new AbortController();
        const [left] = subject.library.memoryPair();
        const attaching = sock.attach(left, { signal: stop.signal });
        stop.abort(reason);
        const error = await rejects(() => attaching, "AbortError");
        ok(error.cause === reason, "the cause is the signal's reason");
        equal([error.code, error.applied], ["aborted", "no"]);
        const before = AbortSignal.abort(reason);
        await rejects(
          () => sock.set("k", "v", { signal: before }),
          "AbortError",
        );
      }),
  ),

  always(
    "a write that is given up may have taken effect",
    (subject) =>
      withRing(subject, 2, async (ring) => {
        const leaf = await ring.leaf();
        const stop = new AbortController();
        const writing = leaf.set("key", "value", { signal: stop.signal });
        stop.abort();
        equal((await rejects(() => writing, "AbortError")).applied, "maybe");
      }),
  ),

  always(
    "with nobody to ask nothing is done, and the error says so",
    (subject) =>
      withSockets([textSocket(subject)], async (sock) => {
        const error = await rejects(() => sock.set("key", "v"), "NoPeerError");
        equal([error.code, error.applied], ["no-peer", "no"]);
        await rejects(() => sock.get("key"), "NoPeerError");
      }),
  ),

  always("only nodes of equal subnets meet", (subject) => {
    const sockets = ["one", "two"]
      .map((subnet) => textSocket(subject, { subnet }));
    return withSockets(sockets, async (one, two) => {
      const [left, right] = subject.library.memoryPair();
      const other = rejects(() => two!.attach(right), "SubnetMismatchError");
      const error = await rejects(
        () => one!.attach(left),
        "SubnetMismatchError",
      );
      equal(error.code, "subnet");
      await other;
    });
  }),

  always(
    "a node does not connect to itself",
    (subject) =>
      withSockets([textSocket(subject)], async (sock) => {
        const [left, right] = subject.library.memoryPair();
        const other = sock.attach(right);
        await rejects(() => sock.attach(left), "SelfConnectError");
        await rejects(() => other, "SelfConnectError");
        equal(sock.routingTable.size, 0);
      }),
  ),

  always(
    "what is called wrongly is refused before anything is sent",
    (subject) =>
      withSockets([textSocket(subject)], async (sock) => {
        await sock.join();
        await rejects(() => sock.set("", "value"), "TypeError");
        await rejects(() => sock.set("x".repeat(1025), "value"), "TypeError");
        await rejects(() => sock.set(7 as never, "value"), "TypeError");
        await rejects(() => sock.set("k", "x".repeat(1048577)), "RangeError");
        await rejects(() => sock.connect("http://127.0.0.1/"), "TypeError");
        await rejects(() => sock.get("k", 0, { timeoutMs: -1 }), "RangeError");
        await rejects(
          () => sock.get("k", 0, { read: "x" as never }),
          "TypeError",
        );
        equal([await sock.size(), sock.status.state], [0, "alone"]);
      }),
  ),

  always("a ring comes and goes again and again", async (subject) => {
    for (let i = 0; i < 5; i++) {
      await withRing(subject, 2, async (ring) => {
        const leaf = await ring.leaf();
        await ring.first.set("key", `${i}`);
        equal(await leaf.get("key"), `${i}`);
      });
    }
  }),
];
