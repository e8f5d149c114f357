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

Deno.test("isLinearizable() ends soon where much may never have happened", () => {
  const open = Array.from({ length: 28 }, (_, i) => {
    const given = `open ${i}`;
    return i % 2 === 0
      ? done("delete", i, Infinity)
      : done("set", i, Infinity, undefined, given);
  });
  const reads = Array.from(
    { length: 12 },
    (_, i) => done("get", 100 + i, 101 + i, `open ${2 * i + 1}`),
  );
  assert(isLinearizable([...open, ...reads]));
  const foreign = done("get", 200, 201, "what nobody set");
  assertEquals(isLinearizable([...open, ...reads, foreign]), false);
});

Deno.test("isLinearizable() judges as the trial of every order does", () => {
  const random = new SeededRandom(7, "histories");
  const verdicts = { true: 0, false: 0 };
  for (let i = 0; i < 3_000; i++) {
    const history = drawHistory(random);
    const wanted = hasOrder(history, "");
    verdicts[`${wanted}`]++;
    assertEquals(isLinearizable(history), wanted, JSON.stringify(history));
  }
  // Both verdicts are tried often.
  assert(Math.min(verdicts.true, verdicts.false) > 300, `${verdicts.true}`);
});

/** Up to six operations on two values, some of which never ended. */
function drawHistory(random: SeededRandom): Operation[] {
  const draw = <T>(from: readonly T[]): T => from[below(random, from.length)]!;
  return Array.from({ length: 1 + below(random, 6) }, () => {
    const type = draw(["set", "get", "delete", "pop", "setDefault"] as const);
    const isOpen = type !== "get" && below(random, 3) === 0;
    const given = type.startsWith("set") ? draw(["a", "b"]) : undefined;
    const found = type === "delete"
      ? draw(["", "there"])
      : type === "setDefault"
      ? draw(["a", "b"])
      : draw(["", "a", "b"]);
    const startMs = below(random, 12);
    const endMs = isOpen ? Infinity : startMs + 1 + below(random, 6);
    const result = isOpen || type === "set" ? undefined : found;
    return done(type, startMs, endMs, result, given);
  });
}

/** The same question, asked of every order there is. */
function hasOrder(left: readonly Operation[], state: string): boolean {
  if (left.every(({ endMs }) => endMs === Infinity)) return true;
  const firstEndMs = Math.min(...left.map(({ endMs }) => endMs));
  return left.some((operation, i) => {
    if (operation.startMs > firstEndMs) return false;
    const { type, given, result } = operation;
    const before = type === "delete" && state !== "" ? "there" : state;
    const after = type === "get"
      ? state
      : type === "set"
      ? given!
      : type === "setDefault"
      ? state || given!
      : "";
    const gave = type === "setDefault" ? after : before;
    if (type !== "set" && result !== undefined && result !== gave) return false;
    return hasOrder(left.filter((_, at) => at !== i), after);
  });
}

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
