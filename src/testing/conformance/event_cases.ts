/**
 * What listeners are told, and when.
 *
 * @module
 */
import { equal, Failure, ok, until } from "./check.ts";
import { link, textSocket, withRing, withSockets } from "./ring.ts";
import { always, type Case } from "./subject.ts";

/** The events of a socket, by name. */
export const eventCases: readonly Case[] = [
  always(
    "'add' and 'delete' come on every node, the writer too",
    (subject) =>
      withRing(subject, 2, async (ring) => {
        await ring.leaf();
        const heard = ring.nodes.map((node) => {
          const events: string[] = [];
          node.on("add", (sock, key) => {
            ok(sock === node, "a listener is given its own socket");
            events.push(`add ${key}`);
          });
          node.on("delete", (_, key) => events.push(`delete ${key}`));
          return events;
        });
        const writer = ring.nodes[2]!;
        await writer.set("key", "1");
        await writer.del("key");
        await writer.setdefault("key", "2");
        await writer.pop("key");
        await writer.set("last", "3");
        for (const events of heard) {
          const ofKey = () => events.filter((event) => event.endsWith(" key"));
          // What is promised is the order of one key's events, not of all.
          await until(
            "all events have come",
            () =>
              events.includes("add last") && ofKey().at(-1) === "delete key",
          );
          equal(ofKey()[0], "add key");
          // Two in the middle may cancel each other out; none comes twice.
          ok(
            ofKey().every((event, i, list) => event !== list[i - 1]),
            `none of ${ofKey()} comes twice in a row`,
          );
        }
      }),
  ),

  always(
    "once() listens once, off() not at all",
    (subject) =>
      withSockets([textSocket(subject)], async (sock) => {
        await sock.join();
        const heard: string[] = [];
        const never = () => heard.push("never");
        sock.once("add", (_, key) => heard.push(`once ${key}`));
        sock.on("add", never).off("add", never);
        sock.on("add", (_, key) => heard.push(`always ${key}`));
        await sock.set("a", "1");
        await sock.set("b", "2");
        await until("both events", () => heard.includes("always b"));
        equal(heard, ["once a", "always a", "always b"]);
      }),
  ),

  always("a listener that throws harms nobody, and is reported", (subject) => {
    const reported: unknown[] = [];
    const onError = (error: unknown) => reported.push(error);
    return withSockets([textSocket(subject, { onError })], async (sock) => {
      await sock.join();
      const thrown = new Failure("of a listener");
      const heard: string[] = [];
      sock.on("add", () => {
        throw thrown;
      });
      sock.on("add", (_, key) => heard.push(key));
      await sock.set("key", "value");
      await until("the event", () => heard.length === 1);
      equal(reported, [thrown]);
      equal(await sock.get("key"), "value");
    });
  }),

  always(
    "'connect' comes with the first peer, 'peer' with each",
    (subject) =>
      withRing(subject, 2, async (ring) => {
        const [one, two] = ring.nodes;
        const told: string[] = [];
        const sock = textSocket(subject);
        ring.nodes.push(sock);
        sock.on("connect", (self) => told.push(`connect ${self === sock}`));
        sock.on("peer", ({ id }) => told.push(`peer ${id}`));
        sock.on("disconnect", ({ id }) => told.push(`disconnect ${id}`));
        await link(subject, sock, one!);
        if (subject.listen === undefined) await link(subject, sock, two!);
        await until("both peers", () => sock.routingTable.size === 2);
        equal(told, [`peer ${one!.id}`, "connect true", `peer ${two!.id}`]);
        await two!.close();
        await until("the end of one", () => told.length === 4);
        equal(told[3], `disconnect ${two!.id}`);
        equal([...sock.routingTable.keys()], [one!.id]);
      }),
  ),

  always("the end of a connection is told with its code", (subject) => {
    const sockets = [textSocket(subject), textSocket(subject)];
    return withSockets(sockets, async (one, two) => {
      const ends: number[] = [];
      one!.on("disconnect", (_, code) => ends.push(code));
      await link(subject, two!, one!);
      await until("the connection", () => one!.routingTable.size === 1);
      await two!.close();
      await until("its end", () => ends.length === 1);
      equal(ends, [4000]);
      equal(one!.status.state, "alone");
    });
  }),
];
