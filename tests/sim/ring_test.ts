/**
 * The upkeep of the ring in the simulated world, with failure detectors that
 * may err, and successor lists so short that few members keep up a ring.
 */
import { assert, assertEquals } from "@std/assert";
import { lookUp } from "../../src/mesh/ring_lookup.ts";
import { buildRing } from "../../src/mesh/ring_view.ts";
import { placeOf } from "../../src/ring/place.ts";
import type { Pointers } from "../../src/ring/stabilizer.ts";
import { ringOf, RingWatch, unevenRing } from "../../src/testing/ring_watch.ts";
import { Ring, type RingOptions } from "../../src/testing/scenarios.ts";
import { recordOf } from "../../src/testing/truth.ts";
import { Violation } from "../../src/testing/violation.ts";
import { Health, type MemberRecord, Role } from "../../src/wire/messages.ts";
import { all, Defective } from "./controls/control.ts";

const L = 2;

/** Members named from A on, whose ring is as it should be. */
function grown(count: number, options: RingOptions = {}): Ring {
  const ring = new Ring({ successors: L, ...options });
  ring.grow(count);
  return ring;
}

/** How often members had to mend what differed from their tables. */
function repairs(ring: Ring): number {
  return ring.simulator.nodes
    .reduce((sum, { machine }) => sum + machine.stats.ringRepairs, 0);
}

/** The names of the members in the order of the ring, from `name` on. */
function following(ring: Ring, name: string): string[] {
  const placed = ring.simulator.nodes.map((node) => ({
    name: node.host.name,
    place: placeOf(recordOf(node)!),
  })).sort((a, b) => a.place < b.place ? -1 : 1).map(({ name }) => name);
  const at = placed.indexOf(name);
  return [...placed.slice(at + 1), ...placed.slice(0, at)];
}

/** All invariants hold, and the ring is ideal. */
function assertIdeal(ring: Ring, length = L): void {
  const { nodes } = ring.simulator;
  const state = ringOf(nodes, length);
  assert(state !== undefined, "the ring is too small");
  assertEquals(new RingWatch().look(state), undefined);
  assertEquals(unevenRing(nodes, length), ["idealRing", undefined]);
}

Deno.test("members that join at once come to be one ideal ring without the table's help", () => {
  const ring = grown(9);
  assertIdeal(ring);
  assertEquals(repairs(ring), 0);
});

Deno.test("a ring of as many members as there are by default is ideal, too", () => {
  const ring = grown(19, { successors: 8 });
  assertIdeal(ring, 8);
  ring.crash("B");
  ring.crash("C");
  ring.join("B", "A");
  ring.join("C", "A");
  ring.settle();
  assertIdeal(ring, 8);
});

Deno.test("small rings are what the table says, and are so again when members leave", () => {
  const ring = grown(7);
  assertIdeal(ring);
  ring.leave("G");
  ring.settle();
  assertEquals(ringOf(ring.simulator.nodes, L), undefined);
  const [first] = following(ring, "A");
  const { pointers } = ring.node("A").machine;
  assertEquals(
    pointers?.successors[0],
    placeOf(recordOf(ring.node(first!))!),
  );
  ring.join("G", "A");
  ring.settle();
  assertIdeal(ring);
});

Deno.test("a member that crashes, or whose host goes dark, leaves no gap", () => {
  const ring = grown(9);
  const [near, , other] = following(ring, "A");
  ring.crash(near!);
  ring.unplug(other!);
  ring.run(25_000);
  assertIdeal(ring);
  assertEquals(repairs(ring), 0);
});

Deno.test("a member all of whose successors crash at once finds others", () => {
  const ring = grown(10);
  for (const name of following(ring, "A").slice(0, L)) ring.crash(name);
  ring.run(15_000);
  assertIdeal(ring);
});

Deno.test("members on slow ways keep up their ring, too", () => {
  const network = { latencyMinMs: 300, latencyMaxMs: 300 };
  const ring = grown(9, { network });
  const [near] = following(ring, "A");
  ring.crash(near!);
  ring.run(25_000);
  assertIdeal(ring);
});

Deno.test("a list that lasts though the table knows better is mended while its head is asked", () => {
  const ring = new Ring({ seed: 4, fullTableMax: 8, successors: 2 });
  // Those that come all at once begin with the lists of whoever was there.
  ring.grow(60);
  assert(ring.nowMs < 15_000, `${ring.nowMs} ms`);
  assertIdeal(ring);
});

Deno.test("where not all members can be known, lists are longer, and as right", () => {
  const ring = grown(20, { fullTableMax: 8 });
  assertIdeal(ring);
  const entries = () =>
    ring.simulator.nodes.map(({ machine }) =>
      machine.pointers!.successors.length
    );
  assertEquals(new Set(entries()), new Set([4]));
  for (const name of following(ring, "A").slice(0, 3)) ring.crash(name);
  ring.run(25_000);
  assertIdeal(ring);
});

Deno.test("two halves are two rings, and one again when they meet", () => {
  const ring = grown(14);
  const names = ["A", ...following(ring, "A")];
  const halves = [0, 1].map((half) =>
    names.filter((_, i) => i % 2 === half).join("")
  );
  ring.split(halves[0]!, halves[1]!);
  ring.run(30_000);
  const circles = ringOf(ring.simulator.nodes, L)!;
  const unrest = new RingWatch().look(circles);
  assertEquals(unrest?.[0], "sufficientPrincipals");
  ring.heal();
  ring.run(30_000);
  assertIdeal(ring);
  // Nobody in one half points to anybody in the other: only tables know.
  assert(repairs(ring) > 0);
});

Deno.test("the upkeep of a quiet ring is one short question a second", () => {
  const perNodeAndSecond = (successors: number) => {
    const ring = grown(9, { successors });
    ring.run(20_000);
    const total = () => {
      let frames = 0;
      let bytes = 0;
      for (const { machine: { stats } } of ring.simulator.nodes) {
        frames += stats.framesSent;
        bytes += stats.bytesSent;
      }
      return { frames, bytes };
    };
    const before = total();
    ring.run(60_000);
    const after = total();
    return {
      frames: (after.frames - before.frames) / 9 / 60,
      bytes: (after.bytes - before.bytes) / 9 / 60,
    };
  };
  const kept = perNodeAndSecond(L);
  const plain = perNodeAndSecond(8);
  const frames = kept.frames - plain.frames;
  const bytes = kept.bytes - plain.bytes;
  assert(frames < 1.1, `${frames} frames`);
  assert(bytes < 8, `${bytes} bytes`);
});

Deno.test("idealRing convicts a member that goes on telling what it first told", () => {
  class Frozen extends Defective {
    #first: Pointers | undefined;
    override get pointers(): Pointers | undefined {
      return this.#first ??= super.pointers;
    }
  }
  let found: string | undefined;
  try {
    grown(8, { create: all(Frozen) });
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    found = error.check;
  }
  assertEquals(found, "idealRing");
});

/** A member whose position begins with these digits. */
function memberAt(digits: string): MemberRecord {
  return {
    id: digits.padEnd(32, "1"),
    incarnation: 1,
    role: Role.active,
    health: Health.alive,
    position: digits.padEnd(32, "0"),
    url: "",
  };
}

Deno.test("a joiner whose table is wrong is led on to the member before its place", () => {
  const members = ["10", "20", "30", "40", "50"].map(memberAt);
  const places = members.map(placeOf);
  const asked: string[] = [];
  let found: string | undefined;
  lookUp(
    // It knows only two of the five.
    buildRing([members[0]!, members[4]!]),
    placeOf(memberAt("45")),
    (at, done) => {
      asked.push(at.slice(0, 2));
      const i = places.indexOf(at);
      done({
        predecessor: places[(i + 4) % 5],
        successors: [1, 2].map((step) => places[(i + step) % 5]!),
      });
    },
    () => true,
    (before) => found = before.slice(0, 2),
  );
  assertEquals(asked, ["10", "30", "40"]);
  assertEquals(found, "40");
});
