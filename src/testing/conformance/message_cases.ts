/**
 * Messages of the application between nodes.
 *
 * @module
 */
import type { MeshSocket } from "../../mesh/mesh_socket.ts";
import { all, equal, Failure, ok, rejects, until } from "./check.ts";
import { link, withRing, withSockets } from "./ring.ts";
import { always, type Case, type Subject } from "./subject.ts";

/** Two mesh sockets that are connected. */
function withPair(
  subject: Subject,
  run: (one: MeshSocket, two: MeshSocket) => Promise<void>,
): Promise<void> {
  const { MeshSocket } = subject.library;
  const sockets = [new MeshSocket(), new MeshSocket()];
  return withSockets(sockets, async (one, two) => {
    await link(subject, two!, one!);
    await until("the other side", () => one!.routingTable.size === 1);
    await run(one!, two!);
  });
}

/** Resolves once so many messages wait. */
function waiting(sock: MeshSocket, count: number): Promise<void> {
  return until(
    `${count} messages wait`,
    () => sock.stats().messagesWaiting === count,
  );
}

/** Sending, receiving, answering. */
export const messageCases: readonly Case[] = [
  always(
    "packets arrive as what they were",
    (subject) =>
      withPair(subject, async (one, two) => {
        const packets = [
          "text",
          "",
          Uint8Array.of(0, 255),
          new Uint8Array(),
          null,
          false,
          0,
          [1, [2]],
          { a: { b: "c" } },
        ];
        await two.send(packets);
        await waiting(one, 1);
        const message = one.recv()!;
        equal<unknown>(message.packets, packets);
        equal(message.sender, two.id);
        ok(Math.abs(message.time - Date.now()) < 60_000, "its time is now");
        equal(one.recv(), undefined);
      }),
  ),

  always(
    "a message of almost 1 MiB arrives whole",
    (subject) =>
      withPair(subject, async (one, two) => {
        const packet = new Uint8Array(1_000_000);
        for (let i = 0; i < packet.length; i++) packet[i] = i % 251;
        await two.send([packet]);
        await waiting(one, 1);
        const [arrived] = one.recv()!.packets as [Uint8Array];
        equal(arrived.length, packet.length);
        ok(arrived.every((byte, i) => byte === i % 251), "it is what was sent");
      }),
  ),

  always(
    "recv(n) gives up to n messages, the oldest first",
    (subject) =>
      withPair(subject, async (one, two) => {
        for (let i = 0; i < 5; i++) await two.send([i], { to: "neighbours" });
        await waiting(one, 5);
        equal(one.recv(2).map(({ packets }) => packets[0]), [0, 1]);
        equal(one.recv(10).map(({ packets }) => packets[0]), [2, 3, 4]);
        equal(one.recv(10), []);
      }),
  ),

  always(
    "a message to all reaches every node once",
    (subject) =>
      withRing(subject, 3, async (ring) => {
        await ring.leaf();
        for (let i = 0; i < 20; i++) await ring.nodes[3]!.send([i]);
        for (const node of ring.nodes.slice(0, 3)) {
          await waiting(node, 20);
          const numbers = node.recv(30).map(({ packets }) =>
            Number(packets[0])
          );
          equal(numbers.sort((a, b) => a - b), [...Array(20).keys()]);
        }
        equal(ring.nodes[3]!.recv(), undefined);
      }),
  ),

  always(
    "reply() answers the sender alone",
    (subject) =>
      withRing(subject, 3, async ({ nodes }) => {
        const [asking, answering, third] = nodes;
        await asking!.send(["question"]);
        await waiting(answering!, 1);
        const question = answering!.recv()!;
        await question.reply(["answer"]);
        await waiting(asking!, 1);
        const answer = asking!.recv()!;
        equal<unknown>(answer.packets, ["answer"]);
        equal(answer.inReplyTo, question.id);
        await waiting(third!, 1);
      }),
  ),

  always(
    "reply() resolves once the other has the answer, and rejects once it left",
    (subject) =>
      withPair(subject, async (one, two) => {
        await two.send(["first"]);
        await two.send(["second"]);
        await waiting(one, 2);
        const [first, second] = one.recv(2);
        await first!.reply(["answer"]);
        equal<unknown>(two.recv()?.packets, ["answer"]);
        const { signal } = new AbortController();
        await first!.reply([], { timeoutMs: 5_000, signal });
        equal<unknown>(two.recv()?.packets, []);
        await rejects(() => first!.reply("text" as never), "TypeError");
        await rejects(
          () => first!.reply([], { signal: AbortSignal.abort() }),
          "AbortError",
        );
        await two.close();
        await until("it is gone", () => one.routingTable.size === 0);
        second!.reply(["nobody waits for this"]); // Must not end the process.
        const { applied } = await rejects(
          () => second!.reply(["late"]),
          "NoPeerError",
        );
        equal(applied, "no");
      }),
  ),

  always(
    "reply() reaches a leaf that is no neighbour",
    (subject) =>
      withSockets(
        [1, 2, 3].map(() => new subject.library.MeshSocket()),
        async (hub, asking, answering) => {
          await link(subject, asking!, hub!);
          await link(subject, answering!, hub!);
          await until(
            "both know of each other",
            () => [asking, answering].every((s) => s!.members.length === 3),
          );
          answering!.registerHandler((message) => {
            message.reply(["pong", ...message.packets]);
            return true;
          });
          await asking!.send(["ping"]);
          await waiting(asking!, 1);
          const answer = asking!.recv()!;
          equal<unknown>(answer.packets, ["pong", "ping"]);
          equal(answer.sender, answering!.id);
        },
      ),
  ),

  always(
    "who cannot be given a message any more is told that it lagged",
    (subject) =>
      withSockets(
        [1, 2].map(() => new subject.library.MeshSocket()),
        async (one, two) => {
          const [left, right] = subject.library.memoryPair();
          let isDeaf = false;
          let bytesSeen = 0;
          const lossy = new TransformStream<Uint8Array, Uint8Array>({
            transform: (frame, out) => {
              bytesSeen += frame.length;
              if (!isDeaf) out.enqueue(frame);
            },
          });
          const readable = right.readable.pipeThrough(lossy);
          const { writable } = right;
          await Promise.all([
            one!.attach(left),
            two!.attach({ readable, writable }),
          ]);
          const lags: [string, number][] = [];
          two!.on("lagged", (origin, count) => lags.push([origin, count]));
          await one!.send([0]);
          await waiting(two!, 1);
          isDeaf = true;
          for (let i = 1; i < 1_500; i++) await one!.send([i]);
          await until("all of them are lost", () => {
            const { queuedBytes, bytesSent } = one!.stats();
            return queuedBytes === 0 && bytesSeen === bytesSent;
          });
          isDeaf = false;
          await one!.send([1_500]);
          await until("the last is there", () =>
            two!.stats().messagesWaiting + two!.stats().messagesDropped >
              1_000);
          const missing = lags.reduce((sum, [, count]) =>
            sum + count, 0);
          const numbers = two!.recv(2_000).map(({ packets }) =>
            Number(packets[0])
          );
          const { messagesDropped } = two!.stats();
          equal(numbers.length + messagesDropped + missing, 1_501);
          equal(numbers.at(-1), 1_500);
          ok(
            lags.length > 0 && lags.every(([id]) =>
              id === one!.id
            ),
            "lagged",
          );
        },
      ),
  ),

  always(
    "a handler that fails later is reported",
    (subject) =>
      withPair(subject, async (one, two) => {
        const errors: string[] = [];
        one.on("error", (error) => errors.push(error.message));
        one.registerHandler(
          (() => Promise.reject(new Failure("of a handler"))) as never,
        );
        one.on(
          "message",
          () => Promise.reject(new Failure("of a listener")) as never,
        );
        await two.send(["text"]);
        await until("both have failed", () => errors.length === 2);
        equal(errors.sort(), ["of a handler", "of a listener"]);
        equal<unknown>(one.recv()?.packets, ["text"]);
      }),
  ),

  always(
    "a handler sees a message before it is queued",
    (subject) =>
      withPair(subject, async (one, two) => {
        const errors: string[] = [];
        one.on("error", (error) => errors.push(error.message));
        one.registerHandler(() => {
          throw new Failure("of a handler");
        });
        one.registerHandler(({ packets }, connection) => {
          equal(connection?.id, two.id);
          return packets[0] === "handled";
        });
        await two.send(["handled"]);
        await two.send(["queued"]);
        await until("both have come", () => errors.length === 2);
        equal(one.recv(9).map(({ packets }) => packets[0]), ["queued"]);
        equal(errors, ["of a handler", "of a handler"]);
      }),
  ),

  always(
    "messages() ends when the socket closes",
    (subject) =>
      withPair(subject, async (one, two) => {
        await two.send(["last"]);
        await waiting(one, 1);
        await one.close();
        const rest = await all(one.messages());
        equal<unknown>(rest.map(({ packets }) => packets), [["last"]]);
      }),
  ),

  always(
    "two iterations share the messages, and one that is left takes none",
    (subject) =>
      withPair(subject, async (one, two) => {
        const [first, second] = [one.messages(), one.messages()];
        const pending = [first.next(), second.next()];
        const left = first.next();
        await first.return!();
        equal((await left).done, true);
        equal((await pending[0]!).done, true);
        await two.send(["a"]);
        equal<unknown>((await pending[1]!).value.packets, ["a"]);
        await two.send(["b"]);
        await waiting(one, 1);
        equal<unknown>((await second.next()).value.packets, ["b"]);
        await one.close();
        equal((await second.next()).done, true);
      }),
  ),

  always(
    "a message may be empty, and so may its packets",
    (subject) =>
      withPair(subject, async (one, two) => {
        await two.send([]);
        await two.send(["", new Uint8Array(), {}, []], { to: "neighbours" });
        await waiting(one, 2);
        equal<unknown>(
          one.recv(2).map(({ packets }) => packets),
          [[], ["", new Uint8Array(), {}, []]],
        );
      }),
  ),

  always(
    "a fast sender of large messages waits, and breaks no connection",
    (subject) =>
      withPair(subject, async (one, two) => {
        const packet = new Uint8Array(1_000_000);
        let received = 0;
        let broken = 0;
        one.on("disconnect", () => broken++);
        one.registerHandler(({ packets }) => {
          if (Number((packets[0] as number[])[0]) === received) received++;
          return true;
        });
        for (let i = 0; i < 40; i++) {
          await two.send([[i], packet]);
          const { queuedBytes } = two.stats();
          ok(queuedBytes < 6 * 1024 * 1024, `${queuedBytes} bytes wait`);
        }
        await until("all have come", () => received === 40);
        equal(broken, 0);
      }),
  ),

  always(
    "what cannot be sent is refused at once",
    (subject) =>
      withPair(subject, async (one, two) => {
        await rejects(() => two.send("text" as never), "TypeError");
        await rejects(() => two.send([new Uint8Array(1 << 21)]), "RangeError");
        await rejects(() => two.send([], { to: "me" as never }), "TypeError");
        const circle: unknown[] = [];
        circle.push(circle);
        const impossible: unknown[] = [
          undefined,
          () => {},
          Symbol("none"),
          1n,
          NaN,
          { a: [Infinity] },
          circle,
          new ArrayBuffer(1),
          [new Uint8Array(1)],
          "\ud800",
        ];
        for (const packet of impossible) {
          await rejects(() => two.send(["fine", packet as never]), "TypeError");
        }
        await two.send(["fine"]);
        await waiting(one, 1);
      }),
  ),
];
