/** Rings that outgrow what a node may know, and shrink again. */
import { assert, assertEquals } from "@std/assert";
import { deadlinesEnd, oneRing } from "../../src/testing/checkers.ts";
import { SeededRandom } from "../../src/base/random.ts";
import {
  demandOwners,
  hopsAreFew,
  hopsComeNearer,
} from "../../src/testing/lookups.ts";
import { isPresent } from "../../src/mesh/table.ts";
import { Health } from "../../src/wire/messages.ts";
import { Ring } from "../../src/testing/scenarios.ts";

/** Nodes that do not know all, of those that run. */
function partial(ring: Ring): number {
  return ring.simulator.nodes.filter(({ machine }) =>
    machine.window !== undefined
  ).length;
}

Deno.test("a ring grows across the bound and shrinks again, and keeps every key", () => {
  const ring = new Ring({ fullTableMax: 12 });
  ring.grow(8);
  assertEquals(partial(ring), 0);
  for (let i = 0; i < 40; i++) assert(ring.set("A", `key ${i}`, `${i}`));
  const more = "IJKLMNOPQRSTUVWX";
  for (const name of more) {
    ring.join(name, "A");
    ring.run(1_000);
  }
  ring.settle();
  // One more than may be known is enough for all to give up.
  assertEquals(partial(ring), 24);
  demandOwners(ring.simulator, new SeededRandom(1, "lookups"));
  for (let i = 0; i < 40; i++) {
    assertEquals(ring.get(more[i % more.length]!, `key ${i}`), `${i}`);
  }
  for (const name of more) ring.leave(name);
  ring.settle();
  ring.run(30_000);
  assertEquals(partial(ring), 0);
  assertEquals(oneRing(ring.simulator.nodes), undefined);
  for (let i = 0; i < 40; i++) {
    assertEquals(ring.get("B", `key ${i}`), `${i}`);
  }
});

Deno.test("between three quarters of the bound and the bound it stays as it was", () => {
  const ring = new Ring({ fullTableMax: 12 });
  ring.grow(12);
  const [first, ...others] = "MNOPQ";
  ring.join(first!, "A");
  ring.settle();
  assertEquals(partial(ring), 13);
  // Ten are more than nine: nobody goes back to knowing all for their sake.
  for (const name of [first!, "B", "C"]) ring.leave(name);
  ring.settle();
  ring.run(60_000);
  assertEquals(partial(ring), 10);
  ring.leave("D");
  ring.settle();
  ring.run(30_000);
  assertEquals(partial(ring), 0);
  // Nor do twelve, that all know all, give it up.
  for (const name of others.slice(0, 3)) ring.join(name, "A");
  ring.settle();
  ring.run(60_000);
  assertEquals(partial(ring), 0);
  ring.join(others[3]!, "A");
  ring.settle();
  assertEquals(partial(ring), 13);
});

Deno.test("with few neighbours known every key is found in few hops, from everywhere", () => {
  const ring = new Ring({ fullTableMax: 8 });
  ring.grow(30);
  const { nodes } = ring.simulator;
  assertEquals(partial(ring), nodes.length);
  demandOwners(ring.simulator, new SeededRandom(1, "lookups"));
  assertEquals(hopsAreFew(nodes), undefined);
  assertEquals(hopsComeNearer(nodes), undefined);
});

Deno.test("a far node's entries are all counted, scanned and popped once", () => {
  const ring = new Ring({ fullTableMax: 8 });
  ring.grow(20);
  for (let i = 0; i < 30; i++) assert(ring.set("C", `key ${i}`, `${i}`));
  assertEquals(ring.ask("D", { type: "size", timeoutMs: 5_000 }), 30);
  const popped = new Set<string>();
  for (let i = 0; i < 30; i++) {
    const item = ring.ask("E", { type: "popItem", timeoutMs: 5_000 });
    popped.add(JSON.stringify(item));
  }
  assertEquals(popped.size, 30);
  const last = ring.ask("E", { type: "popItem", timeoutMs: 5_000 });
  assertEquals(last, undefined);
});

Deno.test("a session's entries stay while their far writer lives, and go when it dies", () => {
  const ring = new Ring({ fullTableMax: 8, successors: 2 });
  ring.grow(32);
  const { nodes } = ring.simulator;
  for (const { machine } of nodes) {
    assert(machine.window!.length < nodes.length / 2, "most must be far");
  }
  const writers = "CDEFGHIJKLMN".split("");
  for (const name of writers) {
    ring.set(name, `of ${name}`, "here", { ttlMs: 0, session: true });
  }
  ring.run(60_000);
  for (const name of writers) assertEquals(ring.get("B", `of ${name}`), "here");
  ring.unplug("C");
  ring.run(90_000);
  assertEquals(ring.get("B", "of C"), undefined);
  assertEquals(ring.get("B", "of D"), "here");
});

Deno.test("a member that no link is left to waits for one with what it must hand on, and for no more", () => {
  const ring = new Ring({ fullTableMax: 8, successors: 2 });
  ring.grow(5);
  for (let i = 0; i < 300; i++) ring.set("A", `key ${i}`, `${i}`);
  for (const name of "FGHIJKLMNOPQRSTU") ring.join(name, "A");
  ring.settle();
  const { machine, host, endpoints } = ring.node("A");
  const { network, nodes, queue } = ring.simulator;
  const held = machine.dict.stats.entries;
  const isHandingOn = () => machine.dict.stats.entries < held;
  assert(queue.run(ring.nowMs + 90_000, isHandingOn), "nothing to hand on");
  network.cut((from, to) => from === host || to === host);
  for (const end of [...endpoints.values()]) network.halfOpen(end);
  for (let i = 0; i < 40; i++) {
    ring.run(50);
    assertEquals(deadlinesEnd(nodes), undefined);
  }
  assert(machine.stats.links === 0);
  ring.heal();
  ring.sweep();
  for (let i = 0; i < 300; i++) assertEquals(ring.get("U", `key ${i}`), `${i}`);
});

Deno.test("who remembers a far member that has ended finds out in time", () => {
  const ring = new Ring({ fullTableMax: 8, successors: 2 });
  ring.grow(30);
  const { id } = ring.node("C").machine;
  ring.unplug("C");
  const { nodes, queue } = ring.simulator;
  const isKnown = () =>
    nodes.some(({ machine }) => {
      const record = machine.member(id);
      return record !== undefined && isPresent(record);
    });
  // Those near it know it soon, and nobody tells the others.
  ring.run(30_000);
  assert(isKnown(), "nobody far remembers it");
  assert(queue.run(ring.nowMs + 20 * 60_000, () => !isKnown()));
});

Deno.test("a reply reaches whom its sender does not know", () => {
  const ring = new Ring({ fullTableMax: 8, successors: 2 });
  ring.grow(40);
  ring.join("newcomer", "A");
  const { machine: { id: to } } = ring.node("newcomer");
  while (ring.node("newcomer").machine.members.length < 8) ring.run(10);
  let replies = 0;
  for (const [at, { name, machine }] of ring.simulator.nodes.entries()) {
    if (machine.member(to) !== undefined) continue;
    const id = at.toString(16).padStart(32, "0");
    const letter = { id, time: 0, inReplyTo: undefined, packets: [] };
    const note = { type: "note", to, letter, timeoutMs: 5_000 } as const;
    assertEquals(ring.attempt(name, note).type, "ok");
    replies++;
  }
  assert(replies > 10, `${replies} had not heard of it`);
});

Deno.test("where nobody knows all, those that a process was linked to know of its end at once", () => {
  const ring = new Ring({ fullTableMax: 8, successors: 2 });
  ring.grow(60);
  for (const name of ["first", "second", "third"]) {
    ring.join(name, "A");
    ring.run(5_000);
    const { machine: { id }, endpoints } = ring.node(name);
    const linked = new Set(
      Array.from(endpoints.values(), ({ other }) => other.owner),
    );
    assert(linked.size > 16, `${linked.size} peers`);
    ring.crash(name);
    ring.run(500);
    for (const { name, machine } of linked) {
      // Whom it asked for a second opinion had to know of it, too.
      assertEquals(machine.member(id)?.health, Health.dead, name);
    }
  }
});
