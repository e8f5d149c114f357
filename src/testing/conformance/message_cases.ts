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
    "what cannot be sent is refused at once",
    (subject) =>
      withPair(subject, async (one, two) => {
        await rejects(() => two.send("text" as never), "TypeError");
        await rejects(() => two.send([new Uint8Array(1 << 21)]), "RangeError");
        await rejects(() => two.send([], { to: "me" as never }), "TypeError");
        await two.send(["fine"]);
        await waiting(one, 1);
      }),
  ),
];
