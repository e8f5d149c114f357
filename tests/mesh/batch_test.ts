import { assert, assertEquals } from "@std/assert";
import type { Id } from "../../src/id/id.ts";
import { Batch } from "../../src/mesh/batch.ts";
import { Health, type MemberRecord, Role } from "../../src/wire/messages.ts";
import { Clockwork } from "./clockwork.ts";

const AFTER_MS = 400;
const LEAST_MS = 200;

/** News that wait, and when they left. */
class Waiting extends Clockwork {
  readonly batch: Batch;
  readonly left: { atMs: number; ids: readonly Id[] }[] = [];

  constructor(leastMs: number) {
    super();
    this.batch = new Batch(this.context, AFTER_MS, leastMs, (ids) => {
      this.left.push({ atMs: this.context.nowMs, ids });
    });
  }
}

function recordOf(id: Id, health: Health = Health.alive): MemberRecord {
  const [role, position, url] = [Role.active, id, ""];
  return { id, incarnation: 1, role, health, position, url };
}

Deno.test("news that come together leave together", () => {
  const waiting = new Waiting(LEAST_MS);
  waiting.batch.add(recordOf("a"));
  waiting.until(10);
  waiting.batch.add(recordOf("b"));
  waiting.until(1_000);
  assertEquals(waiting.left.map(({ ids }) => ids), [["a", "b"]]);
});

Deno.test("what comes shortly before others leave waits for somebody else's word", () => {
  // Wherever in the others' time it comes.
  for (let lateMs = 0; lateMs < 600; lateMs += 20) {
    const waiting = new Waiting(LEAST_MS);
    waiting.batch.add(recordOf("a"));
    waiting.until(lateMs);
    waiting.batch.add(recordOf("b"));
    waiting.until(2_000);
    const left = waiting.left.find(({ ids }) => ids.includes("b"))!;
    assert(left.atMs >= lateMs + LEAST_MS, `${lateMs} to ${left.atMs} ms`);
  }
});

Deno.test("control: where none has to wait it leaves with the others, however late it comes", () => {
  const waiting = new Waiting(0);
  waiting.batch.add(recordOf("a"));
  waiting.until(AFTER_MS / 2 - 1);
  waiting.batch.add(recordOf("b"));
  waiting.until(2_000);
  assertEquals(waiting.left.map(({ ids }) => ids), [["a", "b"]]);
});

Deno.test("what somebody else has told is not told again", () => {
  const waiting = new Waiting(LEAST_MS);
  const { batch } = waiting;
  for (const id of ["a", "b", "c"]) batch.add(recordOf(id, Health.dead));
  batch.drop("a");
  batch.dropSame(recordOf("b", Health.dead));
  // That it is a suspect is another thing than that it is dead.
  batch.dropSame(recordOf("c", Health.suspect));
  waiting.until(2_000);
  assertEquals(waiting.left.map(({ ids }) => ids), [["c"]]);
});

Deno.test("what is let go of leaves at once, and what comes then waits as long as any", () => {
  const waiting = new Waiting(0);
  waiting.batch.add(recordOf("a"));
  waiting.until(100);
  waiting.batch.flush();
  waiting.batch.add(recordOf("b"));
  waiting.until(100 + AFTER_MS / 2 - 1);
  assertEquals(waiting.left, [{ atMs: 100, ids: ["a"] }]);
  waiting.until(2_000);
  assertEquals(waiting.left.length, 2);
});
