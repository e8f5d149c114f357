/**
 * The checkers of messages between applications: each against a record that is
 * right and one that is wrong, and in whole runs against a node that is
 * defective on purpose.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { CastLog } from "../../src/mesh/cast_log.ts";
import { CastRepair } from "../../src/mesh/cast_repair.ts";
import { Notes } from "../../src/mesh/notes.ts";
import { NotesSeen } from "../../src/mesh/notes_seen.ts";
import { Router } from "../../src/mesh/relay.ts";
import { runSeed } from "../../src/testing/run.ts";
import { type SwarmOptions, swarmOptions } from "../../src/testing/swarm.ts";
import {
  Broadcasts,
  castsAreThrifty,
  Replies,
} from "../../src/testing/talk_checkers.ts";

/** Both listeners have to hear what A says. */
function spoken(count: number): Broadcasts {
  const casts = new Broadcasts();
  for (let i = 0; i < count; i++) casts.say("A", new Set(["B", "C"]));
  return casts;
}

Deno.test("castsInOrder finds what comes twice or too late", () => {
  const casts = spoken(3);
  for (const number of [1, 2]) {
    assertEquals(casts.castsInOrder("B", "A", number), undefined);
    casts.castsComplete("B", "A", number);
  }
  assertMatch(casts.castsInOrder("B", "A", 2)!, /2 of A after 2/);
  assertMatch(casts.castsInOrder("B", "A", 1)!, /1 of A after 2/);
  assertEquals(casts.castsInOrder("C", "A", 1), undefined);
});

Deno.test("castsComplete finds what is missing, unless it was told as lost", () => {
  const casts = spoken(5);
  assertEquals(casts.castsComplete("B", "A", 1), undefined);
  assertMatch(casts.castsComplete("B", "A", 3)!, /missed the messages 2 of A/);
  casts.lag("C", "A", 2);
  assertEquals(casts.castsComplete("C", "A", 3), undefined);
  assertMatch(casts.castsComplete("C", "A", 5)!, /missed the messages 4/);
  assertEquals(casts.castsComplete("D", "A", 5), undefined, "not obliged");
});

Deno.test("castsComplete finds at rest what one has heard and another has not", () => {
  const casts = spoken(2);
  for (const number of [1, 2]) casts.castsComplete("B", "A", number);
  casts.castsComplete("C", "A", 1);
  const live = (...names: string[]) => new Set(names);
  assertMatch(casts.castsCompleteAtRest(live("A", "B", "C"))!, /C missed/);
  assertMatch(casts.castsCompleteAtRest(live("A", "C"))!, /C missed/);
  assertMatch(casts.castsCompleteAtRest(live("B", "C"))!, /C missed/);
  assertEquals(casts.castsCompleteAtRest(live("C")), undefined);
  casts.lag("C", "A", 1);
  assertEquals(casts.castsCompleteAtRest(live("A", "B", "C")), undefined);
});

Deno.test("castsAreThrifty finds a message too many and one too few", () => {
  assertEquals(castsAreThrifty(new Map([["a 1", 4]]), 4), undefined);
  assertMatch(castsAreThrifty(new Map([["a 1", 5]]), 4)!, /took 5/);
  assertMatch(castsAreThrifty(new Map([["a 1", 3]]), 4)!, /took 3/);
});

Deno.test("the checks of replies find what is doubled, denied or made up", () => {
  const replies = new Replies();
  assertEquals(replies.repliesOnce("A 1", "B"), undefined);
  assertEquals(replies.repliesAreTrue("A 1", "ok"), undefined);
  assertMatch(replies.repliesOnce("A 1", "B")!, /twice/);
  assertMatch(replies.repliesAreTrue("A 2", "ok")!, /has not arrived/);
  assertEquals(replies.repliesOnce("A 3", "B"), undefined);
  assertMatch(replies.repliesAreTrue("A 3", "no")!, /has arrived/);
  assertEquals(replies.repliesAreTrue("A 4", "no"), undefined);
  assertMatch(replies.repliesOnce("A 4", "B")!, /not applied/);
  assertEquals(replies.repliesAreTrue("A 5", "maybe"), undefined);
  assertEquals(replies.repliesOnce("A 5", "B"), undefined);
});

/** Options of the first seed that fits, for a short run. */
function optionsWhere(fits: (options: SwarmOptions) => boolean): SwarmOptions {
  for (let seed = 1;; seed++) {
    const options = swarmOptions(seed, { minutes: 2, members: 5 });
    if (fits(options)) return options;
  }
}

const isHealthy = ({ faults }: SwarmOptions) =>
  Object.values(faults).every((rate) => rate === 0);
/** Nothing goes wrong, and delays are short: all checks are on. */
const HEALTHY = optionsWhere((options) =>
  isHealthy(options) && options.calmMinutes > 0 &&
  options.network.latencyMaxMs <= 10
);
/** Links break all the time. */
const BROKEN = optionsWhere(({ faults }) => faults.reset > 8);

/** Runs with methods of a class replaced; one of `checks` must end the run. */
function assertConvicted<T extends object>(
  checks: string,
  options: SwarmOptions,
  target: { prototype: T },
  changes: (own: T) => Partial<T>,
): void {
  const { prototype } = target;
  const own = Object.getOwnPropertyDescriptors(prototype);
  const before = Object.create(null, own) as T;
  const defects = Object.getOwnPropertyDescriptors(changes(before));
  Object.defineProperties(prototype, defects);
  try {
    const { violation } = runSeed(options);
    assert(
      violation !== undefined && checks.split(" ").includes(violation.check),
      `wanted ${checks}, but found ${violation?.message ?? "nothing"}`,
    );
  } finally {
    Object.defineProperties(prototype, own);
  }
}

Deno.test("the product passes what its defective sisters fail in talking", () => {
  assertEquals(runSeed(HEALTHY).violation, undefined);
  assertEquals(runSeed(BROKEN).violation, undefined);
});

/** Hands on each broadcast twice. */
const twice = ({ send }: Router): Partial<Router> => ({
  send(this: Router, ...args: Parameters<Router["send"]>) {
    if (args[1].type === "cast") send.apply(this, args);
    return send.apply(this, args);
  },
});

Deno.test("castsInOrder convicts a node that takes a broadcast again", () => {
  const { prototype } = CastLog;
  const { has } = prototype;
  prototype.has = function (this: CastLog, sequence: number): boolean {
    if (has.call(this, sequence)) this.next = Math.min(this.next, sequence);
    return false;
  };
  try {
    assertConvicted("castsInOrder", HEALTHY, Router, twice);
  } finally {
    prototype.has = has;
  }
});

Deno.test("castsComplete convicts a node that asks for nothing", () => {
  assertConvicted("castsComplete", BROKEN, CastRepair, () => ({
    onGap: () => {},
  }));
});

Deno.test("castsAreThrifty convicts a node that hands on everything twice", () => {
  assertConvicted("castsAreThrifty", HEALTHY, Router, twice);
});

Deno.test("repliesOnce convicts a node that takes each copy of a reply", () => {
  let count = 0;
  const { sendBy } = Router.prototype;
  // Every other confirmation is lost, so that a second copy comes.
  Router.prototype.sendBy = function (...args) {
    if (count++ % 2 === 0) sendBy.apply(this, args);
  };
  try {
    assertConvicted("repliesOnce", HEALTHY, NotesSeen, () => ({
      add: () => true,
    }));
  } finally {
    Router.prototype.sendBy = sendBy;
  }
});

Deno.test("repliesAreTrue convicts a node that confirms what it throws away", () => {
  assertConvicted("repliesAreTrue", HEALTHY, NotesSeen, () => ({
    add: () => false,
  }));
});

Deno.test("boundedQueues convicts replies that are never given up", () => {
  assertConvicted("boundedQueues", BROKEN, Notes, () => ({
    get size() {
      return 1_000;
    },
  }));
});
