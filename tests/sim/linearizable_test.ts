import { assert, assertEquals, assertThrows } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { below, SeededRandom } from "../../src/base/random.ts";
import type { DictOperation, Found } from "../../src/dict/operations.ts";
import { valueText } from "../../src/testing/history.ts";
import {
  isLinearizable,
  type Operation,
  OPERATIONS_MAX,
} from "../../src/testing/linearizable.ts";
import type { Outcome } from "../../src/testing/node.ts";
import { Ring } from "../../src/testing/scenarios.ts";

function done(
  type: Operation["type"],
  startMs: number,
  endMs: number,
  result?: string,
  given?: string,
): Operation {
  return { type, startMs, endMs, result, given };
}

Deno.test("isLinearizable() accepts what one register could have done", () => {
  assert(isLinearizable([]));
  assert(isLinearizable([
    done("set", 0, 10, undefined, "a"),
    done("get", 2, 4, ""),
    done("get", 5, 6, "a"),
    done("pop", 7, 20, "a"),
    done("get", 15, 16, ""),
  ]));
  assert(isLinearizable([
    done("set", 0, Infinity, undefined, "a"), // Failed, and may have happened.
    done("get", 5, 6, ""),
    done("get", 7, 8, "a"),
    done("setDefault", 9, 10, "a", "b"),
    done("delete", 11, 12, "there"),
    done("delete", 13, 14, ""),
  ]));
});

Deno.test("isLinearizable() convicts what no register could have done", () => {
  const set = done("set", 0, 10, undefined, "a");
  for (
    const history of [
      [done("get", 0, 1, "a")],
      [set, done("get", 11, 12, "")],
      // New, then old again.
      [set, done("get", 2, 3, "a"), done("get", 4, 5, "")],
      // One value taken out twice.
      [set, done("pop", 11, 12, "a"), done("pop", 11, 12, "a")],
      // Taken out, and there all the same.
      [set, done("pop", 2, 12, "a"), done("get", 13, 14, "a")],
      [set, done("setDefault", 11, 12, "b", "b")],
      [set, done("delete", 11, 12, "")],
    ]
  ) assertEquals(isLinearizable(history), false, JSON.stringify(history));
});

Deno.test("isLinearizable() refuses a history that it cannot search", () => {
  const many = Array.from(
    { length: OPERATIONS_MAX + 1 },
    () => done("get", 0, 1, ""),
  );
  assertThrows(() => isLinearizable(many), RangeError, "at most 30");
});

const TYPES = [
  "set",
  "set",
  "get",
  "get",
  "get",
  "delete",
  "pop",
  "pop",
  "setDefault",
] as const;

/** What an operation gave, in the words of a history. */
function resultOf(type: Operation["type"], value: unknown): string | undefined {
  if (type === "set") return undefined;
  if (type === "delete") return value === true ? "there" : "";
  const bytes = type === "setDefault"
    ? value as Uint8Array
    : (value as Found).value;
  return bytes === undefined ? "" : valueText(bytes as never);
}

/** What makes the contention different. */
interface Rules {
  /** How long each client's entries live. */
  readonly ttlMs?: number;
  /** Keys belong to who wrote them, for so long. */
  readonly leaseMs?: number;
}

/** Five clients at four members and a leaf, all at one key. */
function contend(seed: number, { ttlMs, leaseMs }: Rules = {}): Operation[] {
  const random = new SeededRandom(seed, "contention");
  const ring = new Ring({
    seed,
    network: { latencyMinMs: 0.5, latencyMaxMs: 12, jitter: 1 },
    ...(leaseMs === undefined ? {} : { leaseMs }),
  });
  ring.grow(4);
  ring.leech("L", "A");
  ring.settle();
  const history: Operation[] = [];
  const each = ttlMs === undefined ? 5 : 3;
  let ended = 0;
  const key = utf8(`key ${seed}`);
  const begin = (at: string, left: number): void => {
    const type = TYPES[below(random, TYPES.length)]!;
    const text = `${at}${left}`;
    const given = type === "set" || type === "setDefault" ? text : undefined;
    const operation = {
      type,
      key,
      ...(given === undefined ? { read: "first" } : { value: utf8(text) }),
      ...(ttlMs === undefined ? {} : { lifetime: { ttlMs, session: false } }),
      timeoutMs: 5_000,
    } as DictOperation;
    const startMs = ring.nowMs;
    ring.simulator.call(ring.node(at), operation, (outcome: Outcome) => {
      ended++;
      if (left > 1) begin(at, left - 1);
      if (outcome.type === "failed" && outcome.error.code === "leased") return;
      assert(outcome.type === "ok", `${type} ${JSON.stringify(outcome)}`);
      const result = resultOf(type, outcome.value);
      history.push({ type, given, result, startMs, endMs: ring.nowMs });
      if (ttlMs === undefined || given === undefined) return;
      // Its end is a delete that comes some time after, or never.
      history.push({
        type: "delete",
        given: undefined,
        result: undefined,
        startMs: startMs + ttlMs,
        endMs: Infinity,
      });
    });
  };
  for (const at of "ABCDL") begin(at, each);
  ring.run(10_000);
  assertEquals(ended, 5 * each);
  return history;
}

Deno.test("a key is one register while membership is stable, whoever contends", () => {
  for (let seed = 1; seed <= 150; seed++) {
    const history = contend(seed);
    assert(
      isLinearizable(history),
      `seed ${seed}: ${JSON.stringify(history, undefined, 1)}`,
    );
  }
});

Deno.test("a key is one register, too, where it has owners or an end", () => {
  for (let seed = 1; seed <= 60; seed++) {
    for (const rules of [{ leaseMs: 20 }, { leaseMs: 5_000 }, { ttlMs: 15 }]) {
      const history = contend(seed, rules);
      assert(
        isLinearizable(history),
        `seed ${seed} with ${JSON.stringify(rules)}: ` +
          JSON.stringify(history, undefined, 1),
      );
    }
  }
});
