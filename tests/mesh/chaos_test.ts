import { assert, assertEquals } from "@std/assert";
import { below, fraction, SeededRandom } from "../../src/base/random.ts";
import { randomId } from "../../src/id/id.ts";
import { CastKind, Health, Role } from "../../src/wire/messages.ts";
import { Network, type Station } from "./harness.ts";

const SEEDS = 40;
const FAULTS = 60;

/** One fault drawn at random; gives what it did, for the message of a failure. */
function disturb(net: Network, live: Station[], random: SeededRandom): string {
  const a = live[below(random, live.length)]!;
  const b = live[below(random, live.length)]!;
  switch (below(random, 6)) {
    case 0:
      net.sever(a, b);
      return `sever ${a.name} ${b.name}`;
    case 1:
      net.pause(a, below(random, 8_000));
      return `pause ${a.name}`;
    case 2: {
      const side = new Set(live.filter(() => fraction(random) < 0.4));
      net.isCut = (x, y) => side.has(x) !== side.has(y);
      return `split off ${[...side].map(({ name }) => name)}`;
    }
    case 3:
      // One way only: half-open links.
      net.isCut = (x, y) => x === a && y === b;
      return `deafen ${b.name} to ${a.name}`;
    case 4:
      net.delayMs = 1 + below(random, 200);
      return `delay ${net.delayMs}`;
    default:
      net.isCut = () => false;
      return "heal";
  }
}

function view(station: Station): string {
  return station.machine.members
    .filter(({ health }) => health <= Health.suspect)
    .map((record) => `${record.id} ${record.incarnation} ${record.health}`)
    .sort()
    .join("\n");
}

Deno.test(`${SEEDS} meshes are whole again after ${FAULTS} faults each`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new SeededRandom(seed, "faults");
    const net = new Network(seed);
    let live = net.mesh(3 + below(random, 6));
    live.push(net.add("leaf", { isLeaf: true }));
    net.connect(live.at(-1)!, live[0]!);
    net.run(1_000);
    for (const station of live) {
      net.inside(station, () => {
        station.peers.setRole(Role.active, randomId(random));
      });
    }
    const sent = new Map<Station, number>();
    const log: string[] = [];
    for (let i = 0; i < FAULTS; i++) {
      if (i === FAULTS / 2 && live.length > 3) {
        const gone = live[1 + below(random, live.length - 1)]!;
        net.crash(gone);
        live = live.filter((station) => station !== gone);
        log.push(`crash ${gone.name}`);
      }
      log.push(`${Math.round(net.nowMs)} ${disturb(net, live, random)}`);
      for (let casts = below(random, 4); casts > 0; casts--) {
        const origin = live[below(random, live.length)]!;
        const number = (sent.get(origin) ?? 0) + 1;
        sent.set(origin, number);
        net.inside(origin, () => {
          origin.peers.cast(CastKind.events, Uint8Array.of(number));
        });
      }
      net.run(below(random, 6_000));
    }
    net.isCut = () => false;
    net.delayMs = 5;
    try {
      const isWhole = () =>
        net.isFull(live) && new Set(live.map(view)).size === 1 &&
        live.every(({ peers }) =>
          peers.ring.members.length === live.length &&
          peers.ring.members.every(({ health }) => health === Health.alive)
        );
      net.until(isWhole, 60_000);
      net.run(30_000);
      assert(isWhole(), "it stays whole");
      checkCasts(live, sent);
    } catch (error) {
      throw new Error(`seed ${seed}:\n${log.join("\n")}`, { cause: error });
    }
  }
});

/** In order, without repetition, and what is missing was told to be. */
function checkCasts(
  live: readonly Station[],
  sent: ReadonlyMap<Station, number>,
): void {
  for (const station of live) {
    for (const origin of live) {
      if (origin === station) continue;
      const got = station.recorder.casts
        .filter((cast) => cast.origin === origin.id)
        .map((cast) => cast.payload[0]!);
      const lagged = new Set<number>();
      for (const notice of station.notices) {
        if (notice.type !== "lagged" || notice.origin !== origin.id) continue;
        for (let n = notice.first; n <= notice.last; n++) lagged.add(n);
      }
      const wanted = Array.from(
        { length: sent.get(origin) ?? 0 },
        (_, i) => i + 1,
      ).filter((number) => !lagged.has(number));
      assertEquals(got, wanted, `${station.name} hears ${origin.name}`);
    }
  }
}
