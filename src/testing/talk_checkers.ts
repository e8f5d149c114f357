/**
 * What must be true of messages between applications, by what each of them
 * said and heard.
 *
 * @module
 */
import type { Finding } from "./checkers.ts";

/** One broadcast, and who had to hear it when it was sent. */
interface Said {
  readonly obliged: ReadonlySet<string>;
  readonly heardBy: Set<string>;
}

/** What one node heard of another. */
interface Ear {
  /** The number of the last message that came. */
  last: number;
  /** How many messages were told as lost since then. */
  lagged: number;
}

/** The broadcasts of a run. Messages of one node are numbered from 1 on. */
export class Broadcasts {
  readonly #said = new Map<string, Said[]>();
  readonly #ears = new Map<string, Ear>();

  /** @param obliged all nodes that know `origin` and that it knows */
  say(origin: string, obliged: ReadonlySet<string>): number {
    const said = this.#said.get(origin) ?? [];
    this.#said.set(origin, said);
    return said.push({ obliged, heardBy: new Set() });
  }

  /** No application hears a message twice, or after a later one. */
  castsInOrder(listener: string, origin: string, number: number): Finding {
    const { last } = this.#ear(listener, origin);
    if (number > last) return undefined;
    return `${listener} heard message ${number} of ${origin} after ${last}`;
  }

  /**
   * Whoever had to hear a message hears it before the next one of its origin,
   * or has been told that so many are lost.
   */
  castsComplete(listener: string, origin: string, number: number): Finding {
    const ear = this.#ear(listener, origin);
    const finding = this.#missing(listener, origin, ear, number);
    ear.last = number;
    ear.lagged = 0;
    this.#said.get(origin)?.[number - 1]?.heardBy.add(listener);
    return finding;
  }

  lag(listener: string, origin: string, count: number): void {
    this.#ear(listener, origin).lagged += count;
  }

  /**
   * In the end all have heard all. What a node said that died since must be
   * heard by all only if somebody who lives has heard it.
   *
   * @param live the names of the nodes that run
   */
  castsCompleteAtRest(live: ReadonlySet<string>): Finding {
    for (const [origin, said] of this.#said) {
      let end = said.length;
      const isHeard = ({ heardBy }: Said) =>
        [...heardBy].some((name) => live.has(name));
      if (!live.has(origin)) {
        while (end > 0 && !isHeard(said[end - 1]!)) end--;
      }
      for (const listener of live) {
        const ear = this.#ear(listener, origin);
        const finding = this.#missing(listener, origin, ear, end + 1);
        if (finding !== undefined) return finding;
      }
    }
    return undefined;
  }

  #missing(
    listener: string,
    origin: string,
    { last, lagged }: Ear,
    before: number,
  ): Finding {
    const missed: number[] = [];
    for (let number = last + 1; number < before; number++) {
      const said = this.#said.get(origin)?.[number - 1];
      if (said?.obliged.has(listener)) missed.push(number);
    }
    if (missed.length <= lagged) return undefined;
    return `${listener} missed the messages ${missed.join(", ")} of ` +
      `${origin}, and was told of ${lagged} that are lost`;
  }

  #ear(listener: string, origin: string): Ear {
    const name = `${listener} ${origin}`;
    let ear = this.#ears.get(name);
    if (ear === undefined) {
      ear = { last: 0, lagged: 0 };
      this.#ears.set(name, ear);
    }
    return ear;
  }
}

/** How a reply ended for who sent it. */
type End = "ok" | "no" | "maybe" | undefined;

/** The replies of a run, by a text that names each. */
export class Replies {
  readonly #arrived = new Set<string>();
  readonly #ended = new Map<string, End>();

  /** No reply arrives twice, and none that is said not to have been applied. */
  repliesOnce(reply: string, listener: string): Finding {
    const wasThere = this.#arrived.has(reply);
    this.#arrived.add(reply);
    if (wasThere) return `${listener} was given the reply ${reply} twice`;
    if (this.#ended.get(reply) !== "no") return undefined;
    return `${listener} was given the reply ${reply}, which had failed as ` +
      `not applied`;
  }

  /** A reply that was confirmed has arrived; one that has is not denied. */
  repliesAreTrue(reply: string, end: End): Finding {
    this.#ended.set(reply, end);
    const hasArrived = this.#arrived.has(reply);
    if (end === "ok" && !hasArrived) {
      return `the reply ${reply} was confirmed and has not arrived`;
    }
    if (end !== "no" || !hasArrived) return undefined;
    return `the reply ${reply} failed as not applied, and has arrived`;
  }
}

/** Without faults a broadcast takes exactly one message for each receiver. */
export function castsAreThrifty(
  counts: ReadonlyMap<string, number>,
  wanted: number,
): Finding {
  for (const [cast, count] of counts) {
    if (count === wanted) continue;
    return `the broadcast ${cast} took ${count} messages, wanted ${wanted}`;
  }
  return undefined;
}
