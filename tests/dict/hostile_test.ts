/** What a peer may say of owners and ends, and must not harm anybody with. */
import { assert, assertEquals } from "@std/assert";
import { type Bytes, utf8 } from "../../src/base/bytes.ts";
import { below, pick, SeededRandom } from "../../src/base/random.ts";
import { SESSION_REMOVALS_MAX } from "../../src/base/limits.ts";
import { keyId, randomId } from "../../src/id/id.ts";
import { Ring } from "../../src/testing/scenarios.ts";
import { ChordMachine } from "../../src/dict/chord_machine.ts";
import type { LinkNumber } from "../../src/mesh/events.ts";
import { Inbox } from "../../src/mesh/framer.ts";
import { decode } from "../../src/wire/codec.ts";
import {
  CastKind,
  ExecKind,
  Health,
  type Message,
  Role,
  type Terms,
} from "../../src/wire/messages.ts";
import { frameOf, recordOf } from "../mesh/intruder.ts";

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

/** A member that says that only strangers come after it, or that it is none. */
class Liar extends ChordMachine {
  isLying = false;
  readonly #inboxes = new Map<LinkNumber, Inbox>();
  readonly #random = new SeededRandom(8);

  override pull(link: LinkNumber): Bytes | undefined {
    const frame = super.pull(link);
    if (frame === undefined) return undefined;
    const inbox = this.#inboxes.get(link) ?? new Inbox();
    this.#inboxes.set(link, inbox);
    const messages = inbox.take(frame).map((bytes) =>
      this.#bend(decode(bytes))
    );
    return messages.length > 0 ? frameOf(...messages) : frame;
  }

  #bend(message: Message): Message {
    if (!this.isLying || message.type !== "ringState") return message;
    const strangers = Array.from({ length: 2 }, () => ({
      ...recordOf(randomId(this.#random)),
      role: Role.active,
      health: Health.dead,
    }));
    const member = below(this.#random, 2) === 0;
    return { ...message, member, successors: strangers };
  }
}

Deno.test("a member whose successors are all strangers keeps nobody busy for ever", () => {
  const ring = new Ring({
    successors: 2,
    create: (options, random, at) =>
      options.url.includes("//h.")
        ? new Liar(options, random, at)
        : new ChordMachine(options, random, at),
  });
  ring.grow(9);
  (ring.node("H").machine as unknown as Liar).isLying = true;
  // Who is next to it asks it when the ring has changed.
  for (const name of "BCDEFG") {
    ring.crash(name);
    ring.run(5_000);
    ring.join(name, "A");
    ring.run(5_000);
  }
  ring.set("A", "sane", "v");
  assertEquals(ring.get("B", "sane"), "v");
});

Deno.test("a broadcast of events that are none harms nobody", () => {
  const ring = new Ring();
  ring.grow(3);
  const { simulator } = ring;
  const [end] = [...ring.node("A").endpoints.values()];
  const origin = end!.other.owner.machine.id;
  const zero = "0".repeat(32);
  for (const [i, payload] of [[], [1], [1, 0], [255, 255, 255]].entries()) {
    const frame = frameOf({
      type: "cast",
      origin,
      sequence: 1 + i,
      from: zero,
      to: zero,
      kind: CastKind.events,
      payload: Uint8Array.from(payload),
    });
    simulator.onFrame(end!, { load: { type: "frame", frame } } as never);
  }
  ring.run(1_000);
  ring.set("A", "sane", "v");
  assertEquals(ring.get("B", "sane"), "v");
  assertEquals(end!.isOpen, true);
});
