/** What a peer may say of owners and ends, and must not harm anybody with. */
import { assert, assertEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { below, pick, SeededRandom } from "../../src/base/random.ts";
import { SESSION_REMOVALS_MAX } from "../../src/base/limits.ts";
import { keyId, randomId } from "../../src/id/id.ts";
import { Ring } from "../../src/testing/scenarios.ts";
import { ExecKind, type Message, type Terms } from "../../src/wire/messages.ts";
import { frameOf } from "../mesh/intruder.ts";

const U48_MAX = 2 ** 48 - 1;

Deno.test("execs, puts and pushes with senseless owners and ends never throw, and stay bounded", () => {
  const ring = new Ring();
  ring.grow(3);
  const node = ring.node("A");
  const { queue } = ring.simulator;
  const [end] = [...node.endpoints.values()];
  const peer = end!.other.owner.machine.id;
  const random = new SeededRandom(5);
  const maybe = <T>(value: T) => below(random, 4) === 0 ? undefined : value;
  const time = () => pick(random, [0, 1, 5_000, U48_MAX])!;
  const terms = (): Terms => ({
    owner: pick(random, [peer, node.machine.id, randomId(random)])!,
    leaseMs: time(),
    ttlMs: time(),
    session: below(random, 2) === 0,
  });
  const wallMs = ring.simulator.wallMs(node);
  for (let i = 0; i < 5_000; i++) {
    const key = utf8(`key ${below(random, 50)}`);
    const value = maybe(utf8(`value ${i}`));
    const version = {
      ms: pick(random, [0, wallMs - 1_000, wallMs, U48_MAX])!,
      count: below(random, 0xffff),
      node: "f".repeat(16),
    };
    const entry = { key, value, version, terms: maybe(terms()) };
    const operation = { origin: peer, number: below(random, 500) };
    const message: Message = pick(
      random,
      [
        {
          type: "put",
          request: i,
          view: 0,
          entry,
          operation: maybe(operation),
        },
        { type: "push", request: i, entries: [entry] },
        {
          type: "exec",
          request: i,
          operation,
          kind: below(random, ExecKind.touch + 1) as never,
          key: maybe(key),
          value,
          terms: maybe(terms()),
        },
      ] as const,
    )!;
    const frame = frameOf(message);
    queue.after(i, () => {
      ring.simulator.onFrame(end!, { load: { type: "frame", frame } } as never);
    });
  }
  ring.run(20_000);
  const { events } = ring.simulator.trace;
  ring.run(10_000);
  const busy = ring.simulator.trace.events - events;
  assert(busy < 2_000, `${busy} events in ten quiet seconds`);
  const { stats, dict } = node.machine;
  assert(stats.timers < 500, `${stats.timers} timers`);
  assert(dict.stats.callsWaiting <= SESSION_REMOVALS_MAX);
  assert(dict.stats.entries + dict.stats.tombstones <= 50);
  ring.set("B", "sane", "v");
  assertEquals(ring.get("A", "sane"), "v");
  assert(dict.copyOf(keyId(utf8("sane"))) !== undefined);
});
