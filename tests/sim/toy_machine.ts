/**
 * A machine that does nothing of its own: it notes what happens to it and does
 * what a test tells it. With it the simulator can be judged alone.
 *
 * @module
 */
import { type Bytes, fromUtf8, utf8 } from "../../src/base/bytes.ts";
import type { Instant } from "../../src/base/machine.ts";
import type { NodeOptions } from "../../src/base/options.ts";
import { fraction, type Random } from "../../src/base/random.ts";
import type { DictOperation } from "../../src/dict/operations.ts";
import { type Id, randomId } from "../../src/id/id.ts";
import type { NodeEffect, NodeEvent } from "../../src/mesh/events.ts";
import type {
  CreateMachine,
  SimulatedMachine,
} from "../../src/testing/node.ts";

export const NO_NODE_STATS = {
  links: 0,
  members: 0,
  requestsInFlight: 0,
  timers: 0,
  ringRepairs: 0,
  sendsWaiting: 0,
  repliesWaiting: 0,
  broadcastBytes: 0,
  castsOpen: 0,
  queuedBytes: 0,
  framesSent: 0,
  framesReceived: 0,
  bytesSent: 0,
  bytesReceived: 0,
};

export const NO_DICT = {
  isSettled: true,
  stats: { entries: 0, tombstones: 0, bytes: 0, callsWaiting: 0 },
  copyOf: () => undefined,
  copies: () => [],
  read: () => undefined,
  onChange: () => {},
};

/** Notes events as text; `connect` dials, `chat` sends frames to all links. */
export class ToyMachine implements SimulatedMachine {
  readonly id: Id;
  readonly members = [];
  readonly stats = NO_NODE_STATS;
  readonly pointers = undefined;
  readonly dict = NO_DICT;
  /** What happened, each with its time in whole milliseconds. */
  readonly log: string[] = [];
  readonly links = new Set<number>();
  readonly #queues = new Map<number, Bytes[]>();
  readonly #random: Random;
  /** How often it talks to all its links; `Infinity`: never. */
  readonly #everyMs: number;
  #dials = 1;
  #said = 0;
  #wakeAtMs: number;

  constructor(random: Random, at: Instant, everyMs: number) {
    this.id = randomId(random);
    this.#random = random;
    this.#everyMs = everyMs;
    this.#wakeAtMs = at.nowMs + everyMs;
  }

  get wakeAtMs(): number {
    return this.#wakeAtMs;
  }

  /** What it received, in order. */
  get heard(): string[] {
    return this.log.filter((line) => line.includes(" heard "))
      .map((line) => line.split(" heard ")[1]!);
  }

  member(): undefined {}

  pull(link: number): Bytes | undefined {
    return this.#queues.get(link)?.shift();
  }

  step(event: NodeEvent<DictOperation>, { nowMs }: Instant): NodeEffect[] {
    const note = (text: string) =>
      this.log.push(`${Math.round(nowMs)} ${text}`);
    switch (event.type) {
      case "wake":
        note("woke");
        this.#wakeAtMs = nowMs + this.#everyMs * (1 + fraction(this.#random));
        return this.#say(`${this.id.slice(0, 4)} ${this.#said++}`);
      case "opened":
        note(event.dial === undefined ? "was dialled" : "has dialled");
        this.links.add(event.link);
        return [];
      case "frame":
        note(`heard ${fromUtf8(event.frame)}`);
        return [];
      case "closed":
        note(`closed ${event.code} ${event.reason}`);
        this.links.delete(event.link);
        return [];
      case "dialFailed":
        note(`failed: ${event.reason}`);
        return [];
      case "call":
        return this.#call(event);
      default:
        return [];
    }
  }

  #call({ call, operation }: NodeEvent & { type: "call" }): NodeEffect[] {
    const done: NodeEffect = { type: "result", call, value: undefined };
    if (operation.type === "connect") {
      const { url } = operation;
      return [{ type: "dial", dial: this.#dials++, url }, done];
    }
    if (operation.type === "cast") {
      const text = fromUtf8(operation.letter.packets[0]!.bytes);
      return [...this.#say(text), done];
    }
    if (operation.type === "close") {
      const links = [...this.links];
      return [
        ...links.map((link): NodeEffect => (
          { type: "close", link, code: 4000, reason: "bye" }
        )),
        done,
      ];
    }
    return [done];
  }

  #say(text: string): NodeEffect[] {
    return [...this.links].map((link) => {
      const queue = this.#queues.get(link) ?? [];
      queue.push(utf8(text));
      this.#queues.set(link, queue);
      return { type: "ready", link, isUrgent: false };
    });
  }
}

/** Makes toys, and remembers them in the order in which they were made. */
export function toys(
  made: ToyMachine[],
  everyMs = Infinity,
): CreateMachine {
  return (_options: NodeOptions, random: Random, at: Instant) => {
    const toy = new ToyMachine(random, at, everyMs);
    made.push(toy);
    return toy;
  };
}
