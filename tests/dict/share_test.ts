import { assert, assertEquals } from "@std/assert";
import {
  isHolder,
  joinersOf,
  leaversOf,
  segmentsOf,
} from "../../src/dict/holders.ts";
import { Share } from "../../src/dict/share.ts";
import { EVERYWHERE } from "../../src/base/options.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { randomId } from "../../src/id/id.ts";
import { isInArc } from "../../src/id/ring.ts";
import { buildRing } from "../../src/mesh/ring_view.ts";
import { Health, Role } from "../../src/wire/messages.ts";
import { at, member, View } from "./ring_fixture.ts";

const DROP_AFTER_MS = 60_000;
const NAMES = ["1", "3", "5", "7", "9"];
const others = (own: string) =>
  NAMES.filter((name) => name !== own).map((name) => member(name));

/** A share whose portions were all compared with everybody. */
function settledShare(
  own: string,
  replicas = 3,
): { view: View; share: Share } {
  const view = new View(member(own), others(own));
  const share = new Share(view.peers, replicas);
  share.update(0, DROP_AFTER_MS);
  for (const portion of share.portions) {
    for (const id of share.sources(portion)) {
      share.compared(portion, id, false);
    }
  }
  assert(share.isReady && share.isSettled);
  return { view, share };
}

Deno.test("a member holds the keys of its own arc and of the R-1 before it", () => {
  const segments = segmentsOf(
    NAMES.map((name) => member(name)),
    member("5"),
    3,
  );
  assertEquals(
    segments.map(({ after, through }) => [after[0], through[0]]),
    [["3", "5"], ["1", "3"], ["9", "1"]],
  );
  assertEquals(segments[0]!.holders, [at("5"), at("7"), at("9")]);
});

Deno.test("segments and isHolder() agree for every key and ring size", () => {
  const random = new SeededRandom(1);
  for (let size = 1; size <= 9; size++) {
    const ids = Array.from({ length: size }, () => randomId(random));
    const ring = buildRing(ids.map((id) => member(id)));
    for (let i = 0; i < 200; i++) {
      const key = randomId(random);
      for (const id of ids) {
        const inSegment = segmentsOf(ring.members, member(id), 3)
          .some(({ after, through }) => isInArc(key, after, through));
        assertEquals(inSegment, isHolder(ring, id, key, 3));
      }
    }
  }
});

Deno.test("joinersOf() names exactly who would be a holder once active", () => {
  const random = new SeededRandom(2);
  for (let size = 1; size <= 7; size++) {
    const active = Array.from(
      { length: size },
      () => member(randomId(random)),
    );
    for (let i = 0; i < 100; i++) {
      const joiner = member(randomId(random), Role.joining);
      const ring = buildRing([...active, joiner]);
      const after = buildRing([...active, member(joiner.id)]);
      const key = randomId(random);
      assertEquals(
        joinersOf(ring, key, 3).length === 1,
        isHolder(after, joiner.id, key, 3),
      );
    }
  }
});

Deno.test("leaversOf() names exactly who would be a holder once active", () => {
  const random = new SeededRandom(3);
  for (let size = 1; size <= 7; size++) {
    const active = Array.from(
      { length: size },
      () => member(randomId(random)),
    );
    for (let i = 0; i < 100; i++) {
      const leaver = member(randomId(random), Role.leaving);
      const ring = buildRing([...active, leaver]);
      const before = buildRing([...active, member(leaver.id)]);
      const key = randomId(random);
      const isLeaver = leaversOf(ring, { after: key, through: key }, 3)
        .length === 1;
      assertEquals(isLeaver, isHolder(before, leaver.id, key, 3));
      // Of an arc of the ring: of any key in it.
      for (const segment of segmentsOf(ring.members, active[0]!, 3)) {
        const held = segmentsOf(before.members, leaver, 3).some((own) =>
          isInArc(own.through, segment.after, segment.through) ||
          isInArc(segment.through, own.after, own.through)
        );
        assertEquals(leaversOf(ring, segment, 3).length === 1, held);
      }
    }
  }
});

Deno.test("what only a leaver had is not ready before it was compared with", () => {
  const view = new View(member("5"), [member("3"), member("7")]);
  const share = new Share(view.peers, 1);
  share.update(0, DROP_AFTER_MS);
  assert(share.isReadyFor(at("4")), "nobody else ever held it");
  for (const name of ["3", "7"]) view.set(member(name, Role.leaving));
  share.update(1, DROP_AFTER_MS);
  const portion = share.portions[0]!;
  assert(share.holds(at("2")) && !share.isReadyFor(at("2")));
  assertEquals(new Set(share.sources(portion)), new Set([at("3"), at("7")]));
  share.compared(portion, at("3"), false);
  assert(!share.isReadyFor(at("2")), "the other one may have some of it");
  view.set(member("7", Role.leaving, Health.dead));
  share.update(2, DROP_AFTER_MS);
  assert(share.isReadyFor(at("2")), "nobody is left to ask");
  assertEquals(share.sources(portion), []);
});

Deno.test("a new share is not ready before a holder was compared with", () => {
  const view = new View(member("5"), others("5"));
  const share = new Share(view.peers, 3);
  share.update(0, DROP_AFTER_MS);
  assert(!share.isReady);
  assert(share.holds(at("4")) && !share.isReadyFor(at("4")));
  const portion = share.portions[0]!;
  share.compared(portion, at("7"), true);
  assert(share.isReadyFor(at("4")), "one that was ready is enough");
  assert(!share.isSettled, "the other holder was not compared with");
});

Deno.test("a share is ready once all holders were compared with, ready or not", () => {
  const view = new View(member("5"), others("5"));
  const share = new Share(view.peers, 3);
  share.update(0, DROP_AFTER_MS);
  const portion = share.portions[0]!;
  share.compared(portion, at("7"), false);
  assert(!share.isReadyFor(at("4")));
  share.compared(portion, at("9"), false);
  assert(share.isReadyFor(at("4")));
});

Deno.test("a founder has all there is", () => {
  const share = new Share(new View(member("5"), []).peers, 3);
  share.update(0, DROP_AFTER_MS);
  assert(share.isReady && share.isSettled && share.holds(at("f")));
  assertEquals(share.foreign, undefined);
});

Deno.test("a death gains a segment that is not ready, and keeps the others", () => {
  const { view, share } = settledShare("5");
  view.set(member("3", Role.active, Health.dead));
  share.update(1, DROP_AFTER_MS);
  assert(share.isReadyFor(at("4")), "its own arc, grown out of two it held");
  assert(share.isReadyFor(at("2")));
  assert(share.isReadyFor(at("0")));
  assert(share.holds(at("8")) && !share.isReadyFor(at("8")), "gained");
});

Deno.test("a joiner cuts an arc in two and takes away the farthest", () => {
  const { view, share } = settledShare("5");
  view.set(member("4"));
  share.update(1, DROP_AFTER_MS);
  assert(share.isReadyFor(at("41")) && share.isReadyFor(at("31")));
  assert(!share.has(at("0")), "(9, 1] has three nearer holders now");
  assert(share.hadSince(at("0"), 0) && !share.hadSince(at("0"), 1));
  assertEquals(share.lastLossMs, 1);
  assertEquals(share.foreign, { after: at("5"), through: at("1") });
});

Deno.test("doubt() takes readiness away, and what was asked before it is void", () => {
  const { share } = settledShare("5");
  const old = share.portions[0]!;
  share.doubt([at("7")]);
  assert(!share.isReady);
  share.compared(old, at("7"), true);
  assert(!share.isReadyFor(at("4")));
});

Deno.test("a joiner takes its arcs from those who hold them now", () => {
  const view = new View(member("4", Role.joining), others("4"));
  const share = new Share(view.peers, 3);
  share.update(0, DROP_AFTER_MS);
  assert(share.has(at("31")) && !share.holds(at("31")));
  assertEquals(
    share.portions.map((portion) => share.sources(portion)[0]?.[0]),
    ["5", "3", "1"],
  );
  assertEquals(share.sources(share.portions[0]!).length, 3);
});

Deno.test("what is ready stays ready when the joiner becomes active", () => {
  const view = new View(member("4", Role.joining), others("4"));
  const share = new Share(view.peers, 3);
  share.update(0, DROP_AFTER_MS);
  for (const portion of share.portions) {
    share.compared(portion, share.sources(portion)[0]!, true);
  }
  view.set(member("4"));
  share.update(1, DROP_AFTER_MS);
  assert(share.isReady);
});

Deno.test("who holds everything has its own arc, and all the rest as one", () => {
  const { share } = settledShare("5", EVERYWHERE);
  assertEquals(
    share.portions.map(({ segment: { after, through } }) =>
      after[0]! + through[0]!
    ),
    ["35", "53"],
  );
  assertEquals(
    share.sources(share.portions[1]!).map((id) => id[0]).join(""),
    "7913",
  );
  assertEquals(share.foreign, undefined);
  for (const key of ["0", "4", "5", "8", "f"]) {
    assert(share.holds(at(key)) && share.isReadyFor(at(key)));
  }
  assert(share.isReadyWithin({ after: at("2"), through: at("8") }));
});

Deno.test("alone it has one arc: everything", () => {
  const share = new Share(new View(member("5"), []).peers, EVERYWHERE);
  share.update(0, DROP_AFTER_MS);
  assertEquals(share.portions.length, 1);
  assert(share.isReady && share.isSettled && share.isReadyFor(at("9")));
});

Deno.test("of one that may bring news only that one is to be asked", () => {
  const { share } = settledShare("5", EVERYWHERE);
  share.doubt([at("9")]);
  assert(!share.isReady && !share.isReadyFor(at("4")));
  for (const portion of share.portions) {
    assertEquals(portion.compared, new Set(["1", "3", "7"].map(at)));
    share.compared(portion, at("9"), false);
  }
  assert(share.isReady && share.isSettled);
  // Who was away itself asks all, and one that is ready is enough to be it.
  share.doubt([at("5")]);
  for (const portion of share.portions) {
    assertEquals(portion.compared.size, 0);
    share.compared(portion, at("1"), true);
  }
  assert(share.isReady && !share.isSettled);
});

Deno.test("who joins or leaves takes no readiness from those that hold everything", () => {
  const { view, share } = settledShare("5", EVERYWHERE);
  view.set(member("4"));
  share.update(1, DROP_AFTER_MS);
  assert(
    share.isReady && !share.isSettled,
    "the new one is to be compared with",
  );
  view.set({ ...member("4"), health: Health.left });
  share.update(2, DROP_AFTER_MS);
  assert(share.isReady && share.isSettled);
});
