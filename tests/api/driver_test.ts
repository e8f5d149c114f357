/** How a node is run: turns, timers, overload, and its own mistakes. */
import { ClosedError, MeshSocket, OverloadedError } from "@chord/dict";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { BugError } from "../../src/base/assert.ts";
import { CALLS_WAITING_MAX } from "../../src/base/limits.ts";
import { NodeMachine } from "../../src/mesh/node_machine.ts";
import type { BuildNode } from "../../src/mesh/driver/parts.ts";
import type { NodeEffect, NodeEvent } from "../../src/mesh/events.ts";
import { systemClock } from "../../src/system.ts";
import { TestRing, textSocket, until } from "./fixture.ts";

/** A socket whose machine does `step` instead of its own when it gives one. */
function socketWith(
  step: (event: NodeEvent) => NodeEffect[] | undefined,
  onError: (error: unknown) => void = () => {},
): MeshSocket {
  const build: BuildNode = (options, random, at) => {
    const machine = new NodeMachine(options, random, at);
    const own = machine.step.bind(machine);
    machine.step = (event, instant) => step(event) ?? own(event, instant);
    return { machine, onNotice: () => {}, onClose: () => {} };
  };
  return new MeshSocket({ onError }, { build });
}

Deno.test("calls of one turn share frames", async () => {
  await using ring = await TestRing.of(1);
  const leaf = await ring.leaf();
  await leaf.set("warm", "up");
  const before = leaf.stats().framesSent;
  await Promise.all(
    Array.from({ length: 200 }, (_, i) => leaf.set(`key ${i}`, "value")),
  );
  const sent = leaf.stats().framesSent - before;
  // One each would be 200; some heartbeats may be among them.
  assert(sent <= 40, `${sent} frames were sent`);
});

Deno.test("a call that waits alone leaves at once, others at the end of the clock's turn", async () => {
  await using ring = await TestRing.of(1);
  const turns: (() => void)[] = [];
  let isHeld = false;
  let due = 0;
  const leaf = await ring.leaf({
    clock: {
      ...systemClock,
      afterTurn: (run) => {
        due++;
        const turn = () => {
          due--;
          run();
        };
        if (isHeld) turns.push(turn);
        else setTimeout(turn);
      },
    },
  });
  await leaf.set("warm", "up");
  await until("no turn is under way", () => due === 0);
  isHeld = true;
  const before = leaf.stats().framesSent;
  const sets = Array.from(
    { length: 10 },
    (_, i) => leaf.set(`key ${i}`, "value"),
  );
  await sets[0];
  assertEquals([leaf.stats().framesSent - before, turns.length], [1, 1]);
  isHeld = false;
  turns[0]!();
  await Promise.all(sets);
});

Deno.test("a mistake of the library ends the node, not the process", async () => {
  const errors: unknown[] = [];
  const bug = new BugError("two at once");
  const sock = socketWith((event) => {
    if (event.type === "call" && event.operation.type === "cast") throw bug;
    return event.type === "call" && event.operation.type === "connect"
      ? []
      : undefined;
  }, (error) => errors.push(error));
  const waiting = assertRejects(
    () => sock.connect("ws://127.0.0.1:1/"),
    ClosedError,
  );
  await assertRejects(() => sock.send(["text"]), ClosedError);
  assertEquals((await waiting).cause, bug);
  assertEquals(errors, [bug]);
  assertEquals(sock.status.state, "closed");
  await sock.close();
});

Deno.test("a call too many is refused, and counts for nothing", async () => {
  const sock = socketWith((event) =>
    event.type === "call" && event.operation.type === "cast" ? [] : undefined
  );
  const waiting: Promise<void>[] = [];
  for (let i = 0; i < CALLS_WAITING_MAX; i++) waiting.push(sock.send([]));
  const ended = Promise.allSettled(waiting);
  const error = await assertRejects(() => sock.send([]), OverloadedError);
  assertEquals(error.applied, "no");
  assertEquals(sock.stats().callsWaiting, CALLS_WAITING_MAX);
  await sock.close();
  for (const { status } of await ended) assertEquals(status, "rejected");
});

Deno.test("one timer serves all deadlines of a node", async () => {
  const pending = new Set<unknown>();
  let most = 0;
  const sock = textSocket({
    clock: {
      ...systemClock,
      setTimer: (run, delayMs) => {
        const timer = systemClock.setTimer(() => {
          pending.delete(timer);
          run();
        }, delayMs);
        pending.add(timer);
        most = Math.max(most, pending.size);
        return timer;
      },
      clearTimer: (timer) => {
        pending.delete(timer);
        systemClock.clearTimer(timer);
      },
    },
  });
  await sock.join();
  await Promise.all(
    Array.from({ length: 100 }, (_, i) => sock.set(`key ${i}`, "value")),
  );
  await until("a timer is set", () => most > 0);
  await sock.close();
  assertEquals([most, pending.size], [1, 0]);
});

Deno.test("a listener may call back into the socket", async () => {
  await using ring = await TestRing.of(2);
  const [one, two] = ring.nodes;
  one!.on("message", (sock) => {
    const message = sock.recv()!;
    if (message.packets[0] === "ping") message.reply(["pong"]);
    one!.set("from a listener", "value");
  });
  await two!.send(["ping"]);
  await until("the answer", () => two!.stats().messagesWaiting === 1);
  await until("the value", () => one!.has("from a listener"));
});
