import { assert, assertEquals } from "@std/assert";
import { TIMINGS } from "../../src/base/options.ts";
import { type Id, ZERO_ID } from "../../src/id/id.ts";
import { Suspicions } from "../../src/mesh/suspicions.ts";
import { Table } from "../../src/mesh/table.ts";
import { NEIGHBOURS } from "../../src/mesh/vicinity.ts";
import {
  Health,
  type MemberRecord,
  type Message,
} from "../../src/wire/messages.ts";
import { Clockwork } from "./clockwork.ts";
import { Network, type Station } from "./harness.ts";
import { Intruder, recordOf } from "./intruder.ts";

const TELLER: Id = "1".repeat(32);
const SUSPECT: Id = "2".repeat(32);

function said(health: Health): MemberRecord {
  return { ...recordOf(SUSPECT), health };
}

/** What one node tells of its own, or what another one has told it. */
function gossip(witness: Id, record: MemberRecord): Message {
  return { type: "gossip", from: witness, to: witness, records: [record] };
}

/** Somebody who is let in, and tells what it likes. */
function intrude(net: Network, station: Station): Intruder {
  const intruder = new Intruder(net, station);
  intruder.greet(TELLER);
  return intruder;
}

/** One suspicion in a table of five, and what comes of it when. */
class Suspecting extends Clockwork {
  readonly doubtsMs: number[] = [];
  overMs: number | undefined;
  readonly suspicions: Suspicions;

  constructor() {
    super();
    const self = recordOf("0".repeat(32));
    const table = new Table(self, 0, 1_000_000, () => {});
    this.suspicions = new Suspicions(this.context, table, {
      onOver: () => this.overMs = this.context.nowMs,
      onDoubt: () => this.doubtsMs.push(this.context.nowMs),
    });
    for (const digit of "1345") {
      table.apply(recordOf(digit.repeat(32)), "gossip", 0);
    }
    const record = said(Health.suspect);
    table.apply(record, "gossip", 0);
    this.suspicions.begin(record);
  }

  /** Others share it at these times. */
  confirm(...atMs: number[]): this {
    for (const nowMs of atMs) {
      this.until(nowMs);
      this.suspicions.confirm(SUSPECT);
    }
    return this;
  }
}

Deno.test("who has heard of few who share a suspicion asks others how it ended", () => {
  const { suspicionMinMs, gossipMs } = TIMINGS;
  const marginMs = 2 * gossipMs;
  const atMs = suspicionMinMs + marginMs;
  // Of nobody, of one, and of one more who comes late: that may be the one that
  // was enough for others.
  for (
    const { heardMs, askedMs } of [
      { heardMs: [], askedMs: [atMs] },
      { heardMs: [100], askedMs: [atMs] },
      { heardMs: [100, 2_000], askedMs: [atMs, 2_000 + marginMs] },
    ]
  ) {
    const suspecting = new Suspecting().confirm(...heardMs);
    suspecting.until(10_000);
    const lastMs = suspecting.overMs! - marginMs;
    assertEquals(suspecting.doubtsMs, [...askedMs, lastMs]);
  }
});

Deno.test("others are asked before a suspicion ends, and not of one that is over", () => {
  const { suspicionMinMs, gossipMs } = TIMINGS;
  const all = new Suspecting().confirm(100, 200, 300);
  all.until(10_000);
  assertEquals(all.overMs, suspicionMinMs);
  assertEquals(all.doubtsMs, [suspicionMinMs - 2 * gossipMs]);
  // One that comes while they are asked changes nothing.
  const few = new Suspecting().confirm(100, 200);
  const enough = new Suspecting().confirm(100, 200, 2_300);
  for (const suspecting of [few, enough]) suspecting.until(10_000);
  assertEquals(enough.overMs, few.overMs);
  const refuted = new Suspecting().confirm(100);
  refuted.suspicions.end(SUSPECT);
  refuted.until(10_000);
  assertEquals([refuted.overMs, refuted.doubtsMs], [undefined, []]);
});

Deno.test("who is asked how a suspicion ended says what it knows better, and nothing else", () => {
  for (const health of [Health.alive, Health.suspect, Health.dead]) {
    const net = new Network(8);
    const [station] = net.mesh(4) as [Station];
    net.run(3_000);
    const intruder = intrude(net, station);
    intruder.say(gossip(ZERO_ID, said(Health.alive)));
    intruder.say(gossip(ZERO_ID, said(health)));
    net.run(50);
    intruder.heard.length = 0;
    intruder.say(gossip(ZERO_ID, said(Health.suspect)));
    const answers = intruder.heard.filter(({ type }) => type === "gossip");
    const wanted = gossip(ZERO_ID, said(health));
    assertEquals(answers, health === Health.dead ? [wanted] : []);
  }
});

Deno.test("whoever finds a node silent tells all at once, though others watch it", () => {
  const net = new Network(92);
  const stations = Array.from({ length: 80 }, (_, i) => net.add(`n${i}`))
    .sort((a, b) => a.id < b.id ? -1 : 1);
  for (const [i, station] of stations.entries()) {
    net.connect(station, stations[(i + 1) % 80]!);
  }
  const areKnown = () =>
    stations.every(({ machine }) => machine.members.length === 80);
  net.until(areKnown, 60_000);
  net.run(10_000);
  let found = 0;
  for (const at of [8, 16, 24, 32, 40, 48, 56, 64, 72]) {
    const gone = stations[at]!;
    const rest = stations.filter((station) =>
      station !== gone && !station.isCrashed
    );
    const suspecting = () =>
      rest.filter((station) => station.health(gone)! >= Health.suspect);
    net.vanish(gone);
    net.until(() => suspecting().length > 0, 10_000);
    const first = stations.indexOf(suspecting()[0]!);
    const tookMs = net.until(
      () => 2 * suspecting().length > rest.length,
      10_000,
    );
    if (Math.abs(first - at) > NEIGHBOURS) {
      found++;
      // What waits for others' word waits twice as long at least.
      assert(tookMs < 2 * TIMINGS.gossipMs, `${tookMs} ms`);
    }
    net.run(20_000);
  }
  assert(found > 0, "some are found by who does not watch them");
});
