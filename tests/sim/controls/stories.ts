/**
 * Defects that a short story shows, told once with each and once without.
 *
 * @module
 */
import type { Instant } from "../../../src/base/machine.ts";
import { SeededRandom } from "../../../src/base/random.ts";
import type { DictOperation } from "../../../src/dict/operations.ts";
import type { NodeEffect, NodeEvent } from "../../../src/mesh/events.ts";
import { demandOwners } from "../../../src/testing/lookups.ts";
import type { CreateMachine } from "../../../src/testing/node.ts";
import { createChordMachine } from "../../../src/testing/run.ts";
import { Ring, type RingOptions } from "../../../src/testing/scenarios.ts";
import { report } from "../../../src/testing/simulator.ts";
import { recordOf } from "../../../src/testing/truth.ts";
import { Role } from "../../../src/wire/messages.ts";
import {
  all,
  type Control,
  Defective,
  inStory,
  withOptions,
  without,
} from "./control.ts";

/** Rings that are made with these options, or with none. */
function rings(options: () => RingOptions) {
  return { broken: () => new Ring(options()), sound: () => new Ring() };
}

class Hasty extends Defective {
  override step(
    event: NodeEvent<DictOperation>,
    at: Instant,
  ): NodeEffect[] {
    if (event.type === "ask" && event.operation.type === "leave") {
      return [{ type: "result", call: event.call, value: undefined }];
    }
    return super.step(event, at);
  }
}

/** Only the fourth process of a ring takes one copy where three are wanted. */
function oneLazyJoiner(): CreateMachine {
  let nodes = 0;
  return withOptions(() => (nodes++ === 3 ? { replicas: 1 } : {}));
}

/** Reads all that was written as soon as somebody who joins is active. */
function readWhileJoining(create: CreateMachine): void {
  const ring = new Ring({
    create,
    network: { latencyMinMs: 20, latencyMaxMs: 20, bytesPerMs: 50 },
  });
  ring.grow(3);
  const keys = Array.from({ length: 40 }, (_, i) => `key ${i}`);
  for (const key of keys) ring.set("A", key, "v".repeat(2_000));
  ring.join("D", "A");
  const isActive = () =>
    recordOf(ring.node("D"))?.role === Role.active || undefined;
  while (!isActive()) ring.run(10);
  for (const key of keys.filter((key) => ring.holders(key)[0] === "D")) {
    const found = ring.get("A", key);
    const finding = `A finds nothing under "${key}"`;
    report("readsAreFresh", found === undefined ? finding : undefined);
  }
}

/**
 * Who has to hand a key on asks its holders, who have it; two of them go dark,
 * unnoticed for long; and then the time comes to drop it.
 */
function dropAfterLosses(create: CreateMachine): void {
  const ring = new Ring({
    create,
    timings: {
      dropAfterMs: 20_000,
      suspicionMinMs: 60_000,
      suspicionMaxMs: 60_000,
    },
  });
  ring.grow(6);
  const keys = Array.from({ length: 30 }, (_, i) => `key ${i}`);
  for (const key of keys) ring.set("A", key, "v");
  ring.join("G", "A");
  ring.settle();
  const moved = keys.find((key) =>
    ring.copies(key).length > ring.holders(key).length
  )!;
  const lost = ring.holders(moved).filter((name) => name !== "G");
  ring.run(8_000);
  for (const name of lost) ring.unplug(name);
  ring.run(40_000);
}

/**
 * Of four members one was cut off and comes back while another one leaves,
 * which asked the two that it knew whether they have its copies.
 */
function leaveWhileOneComesBack(create: CreateMachine): void {
  const network = { latencyMinMs: 60, latencyMaxMs: 60 };
  const ring = new Ring({ create, network });
  ring.grow(4);
  ring.split("ABC", "D");
  ring.run(20_000);
  for (let i = 0; i < 20; i++) ring.set("A", `key ${i}`, "v");
  ring.heal();
  const { url } = ring.node("C").host;
  const connect = { type: "connect", url, timeoutMs: 5_000 } as const;
  ring.simulator.call(ring.node("D"), connect, () => {});
  ring.run(250);
  ring.leave("C");
  ring.settle();
}

/** Everybody looks for the owners of some keys in a ring that nobody knows whole. */
function lookFar(create: CreateMachine): void {
  const ring = new Ring({ create, fullTableMax: 8 });
  ring.grow(20);
  demandOwners(ring.simulator, new SeededRandom(1, "lookups"));
}

/** Stories of defects. */
export const STORIES: readonly Control[] = [
  inStory(
    "a joiner is active, and read from, before it has caught up",
    ["readsAreFresh"],
    {
      broken: () => without("activeOnceReady"),
      sound: () => createChordMachine,
    },
    readWhileJoining,
  ),
  inStory(
    "who knows some takes the nearest of them for the owner",
    ["ownersAgree"],
    {
      broken: () => without("farIsHandedOn"),
      sound: () => createChordMachine,
    },
    lookFar,
  ),
  inStory(
    "confirmations count for ever",
    ["copiesAreDroppedSafely"],
    {
      broken: () => without("confirmationsAreFresh"),
      sound: () => createChordMachine,
    },
    dropAfterLosses,
  ),
  inStory(
    "all whom a leaver knew confirm, while it learns of more",
    ["copiesAreDroppedSafely"],
    {
      broken: () => without("confirmationsAreFresh"),
      sound: () => createChordMachine,
    },
    leaveWhileOneComesBack,
  ),
  inStory(
    "all holders of a key crash at once",
    ["noLostWrite"],
    { broken: () => 3, sound: () => 2 },
    (count) => {
      const ring = new Ring();
      ring.grow(6);
      ring.set("A", "k", "v");
      for (const name of ring.holders("k").slice(0, count)) ring.crash(name);
      ring.run(20_000);
    },
  ),
  inStory(
    "nobody ever looks for the dead",
    ["oneRing", "tablesAgree"],
    rings(() => ({
      timings: { reviveMs: 1e9, redialMinMs: 1e9, redialMaxMs: 1e9 },
    })),
    (ring) => {
      ring.grow(4);
      ring.split("AB", "CD");
      ring.run(30_000);
      ring.heal();
      ring.settle();
    },
  ),
  inStory(
    "a joiner takes fewer keys than it should",
    ["convergedReplicas", "copiesAreDroppedSafely"],
    rings(() => ({ create: oneLazyJoiner() })),
    (ring) => {
      ring.grow(3);
      for (let i = 0; i < 20; i++) ring.set("A", `key ${i}`, "v");
      ring.crash("C");
      ring.join("C", "A");
      ring.settle();
    },
  ),
  inStory(
    "everybody but a sleeper has forgotten a delete",
    ["noLostWrite", "copiesAreDroppedSafely"],
    rings(() => ({ timings: { tombstoneMs: 1_000, antiEntropyMs: 1_000 } })),
    (ring) => {
      ring.grow(4);
      ring.set("A", "k", "v");
      const [sleeper, , awake] = ring.holders("k");
      ring.pause(sleeper!);
      ring.run(15_000);
      ring.delete(awake!, "k");
      ring.run(15_000);
      ring.resume(sleeper!);
      ring.settle();
    },
  ),
  inStory(
    "a member just says that it has left",
    ["leaversHandOver"],
    rings(() => ({ create: all(Hasty) })),
    (ring) => {
      ring.grow(5);
      ring.set("A", "k", "v");
      ring.leave(ring.holders("k")[0]!);
    },
  ),
  inStory(
    "nobody ends the session of who is gone",
    ["sessionEnds"],
    rings(() => ({ timings: { sessionGraceMs: 1e9 } })),
    (ring) => {
      ring.grow(4);
      ring.set("D", "k", "v", { ttlMs: 0, session: true });
      ring.crash("D");
      ring.settle();
    },
  ),
];
