import { assertEquals } from "@std/assert";
import { below, SeededRandom } from "../../src/base/random.ts";
import { type Timer, Timers } from "../../src/base/timers.ts";

Deno.test("deadlines run in the order of their times, equal ones as they were set", () => {
  const timers = new Timers();
  const ran: string[] = [];
  timers.at(20, () => ran.push("c"));
  timers.at(10, () => ran.push("a"));
  timers.at(10, () => ran.push("b"));
  timers.at(30, () => ran.push("d"));
  assertEquals(timers.nextMs, 10);
  timers.run(20);
  assertEquals(ran, ["a", "b", "c"]);
  assertEquals(timers.nextMs, 30);
  assertEquals(timers.size, 1);
});

Deno.test("with no deadline the next one never comes", () => {
  const timers = new Timers();
  assertEquals(timers.nextMs, Infinity);
  timers.cancel(undefined);
  timers.cancel(timers.at(5, () => {}));
  assertEquals(timers.nextMs, Infinity);
  assertEquals(timers.size, 0);
});

Deno.test("a cancelled deadline does not run, and cancelling twice is once", () => {
  const timers = new Timers();
  const ran: string[] = [];
  const first = timers.at(1, () => ran.push("first"));
  timers.at(2, () => ran.push("second"));
  timers.cancel(first);
  timers.cancel(first);
  assertEquals(timers.size, 1);
  timers.run(9);
  assertEquals(ran, ["second"]);
  assertEquals(timers.size, 0);
});

Deno.test("cancelling a deadline that ran does not unsettle the count", () => {
  const timers = new Timers();
  const timer = timers.at(1, () => {});
  timers.at(5, () => {});
  timers.run(1);
  timers.cancel(timer);
  assertEquals(timers.size, 1);
});

Deno.test("a deadline that is set for the past while others run runs in the same turn", () => {
  const timers = new Timers();
  const ran: number[] = [];
  timers.at(5, () => {
    ran.push(5);
    timers.at(1, () => ran.push(1));
  });
  timers.run(5);
  assertEquals(ran, [5, 1]);
});

Deno.test("a deadline may cancel another one that is due at the same time", () => {
  const timers = new Timers();
  const ran: string[] = [];
  const others: Timer[] = [];
  timers.at(1, () => timers.cancel(others[0]));
  others.push(timers.at(1, () => ran.push("second")));
  timers.run(1);
  assertEquals(ran, []);
  assertEquals(timers.size, 0);
});

/** What the heap must do, done by a sorted array. */
class SortedModel {
  waiting: { atMs: number; name: number }[] = [];

  add(atMs: number, name: number): void {
    this.waiting.push({ atMs, name });
    // The sort is stable, so equal times keep the order of setting.
    this.waiting.sort((a, b) => a.atMs - b.atMs);
  }

  remove(name: number): void {
    this.waiting = this.waiting.filter((timer) => timer.name !== name);
  }

  run(nowMs: number): number[] {
    const due = this.waiting.filter(({ atMs }) => atMs <= nowMs);
    this.waiting = this.waiting.filter(({ atMs }) => atMs > nowMs);
    return due.map(({ name }) => name);
  }
}

Deno.test("any mix of setting, cancelling and running agrees with a sorted list", () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new SeededRandom(seed);
    const timers = new Timers();
    const model = new SortedModel();
    const set = new Map<number, Timer>();
    let ran: number[] = [];
    for (let step = 0, nowMs = 0; step < 1000; step++) {
      const draw = below(random, 10);
      if (draw < 5) {
        const atMs = nowMs + below(random, 50);
        set.set(step, timers.at(atMs, () => ran.push(step)));
        model.add(atMs, step);
      } else if (draw < 9) {
        const name = below(random, step + 1);
        timers.cancel(set.get(name));
        model.remove(name);
      } else {
        nowMs += below(random, 20);
        ran = [];
        timers.run(nowMs);
        assertEquals(ran, model.run(nowMs), `seed ${seed}, step ${step}`);
      }
      assertEquals(timers.size, model.waiting.length);
      assertEquals(timers.nextMs, model.waiting[0]?.atMs ?? Infinity);
    }
  }
});

Deno.test("deadlines that are mostly cancelled again do not pile up or get lost", () => {
  const timers = new Timers();
  const ran: number[] = [];
  for (let atMs = 0; atMs < 2000; atMs++) {
    const timer = timers.at(atMs, () => ran.push(atMs));
    if (atMs % 10 !== 0) timers.cancel(timer);
  }
  assertEquals(timers.size, 200);
  timers.run(2000);
  assertEquals(ran, Array.from({ length: 200 }, (_, i) => 10 * i));
  assertEquals([timers.size, timers.nextMs], [0, Infinity]);
});
