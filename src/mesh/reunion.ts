/**
 * How the separated find each other again.
 *
 * A node that is believed dead is dialled now and then: that is how the two
 * sides of a partition become one mesh again. So are the urls that it was once
 * told to connect to, if who answered there is gone: somebody may have come back
 * there who knows nobody. A node that has lost every link goes back to these
 * urls at once; whoever cannot be dialled itself has no other way.
 *
 * @module
 */
import { SEEDS_MAX } from "../base/limits.ts";
import { jittered, pick } from "../base/random.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import { Health, type MemberRecord } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import type { Dials } from "./dials.ts";
import type { Links } from "./links.ts";
import { isPresent, type Table } from "./table.ts";

/** Backoff doubles this often at most. */
const DOUBLINGS_MAX = 16;

/** How long to wait after so many failures in a row. */
export function backoffMs(context: Context, failures: number): number {
  const { redialMinMs, redialMaxMs } = context.options.timings;
  const doublings = Math.min(failures, DOUBLINGS_MAX);
  const waitMs = Math.min(redialMaxMs, redialMinMs * 2 ** doublings);
  return jittered(context.random, waitMs, 0.5);
}

/** The dials of the dead and of the seeds. */
export class Reunion {
  readonly #context: Context;
  readonly #table: Table;
  readonly #links: Links;
  readonly #dials: Dials;
  readonly #attempt: (id: Id) => void;
  /** Urls that the application connected to, and who answered there last. */
  readonly #seeds = new Map<string, Id>();
  #seedFailures = 0;
  #seedTimer: Timer | undefined;

  /** @param attempt dials one node */
  constructor(
    context: Context,
    table: Table,
    links: Links,
    dials: Dials,
    attempt: (id: Id) => void,
  ) {
    this.#context = context;
    this.#table = table;
    this.#links = links;
    this.#dials = dials;
    this.#attempt = attempt;
    this.#planRevival();
  }

  /** Somebody answered at a url that the application wanted. */
  addSeed(url: string, answered: Id): void {
    if (this.#seeds.size >= SEEDS_MAX && !this.#seeds.has(url)) return;
    this.#seeds.set(url, answered);
  }

  /** Who was forgotten could not be told from who is gone: it is remembered. */
  isSeed(id: Id): boolean {
    for (const answered of this.#seeds.values()) {
      if (answered === id) return true;
    }
    return false;
  }

  /**
   * The last of all links is gone.
   *
   * @param wasYoung it had hardly stood: that was no success
   */
  onAlone(wasYoung: boolean): void {
    this.#seedFailures = wasYoung ? this.#seedFailures + 1 : 0;
    this.#planSeed();
  }

  onSeedFailed(): void {
    this.#seedFailures++;
    this.#planSeed();
  }

  #planSeed(): void {
    if (this.#seedTimer !== undefined || this.#seeds.size === 0) return;
    this.#seedTimer = this.#context.timers.at(
      this.#context.nowMs + backoffMs(this.#context, this.#seedFailures),
      () => {
        this.#seedTimer = undefined;
        this.#dialSeed();
      },
    );
  }

  #dialSeed(): void {
    if (this.#links.peerCount > 0) return;
    const url = pick(this.#context.random, [...this.#seeds.keys()]);
    if (url === undefined || !this.#dials.hasRoom) return this.#planSeed();
    this.#dial(url);
  }

  #dial(url: string): void {
    const { handshakeMs } = this.#context.options.timings;
    this.#dials.start(url, undefined, handshakeMs);
  }

  #planRevival(): void {
    const { reviveMs } = this.#context.options.timings;
    this.#context.timers.at(
      this.#context.nowMs + jittered(this.#context.random, reviveMs, 0.25),
      () => {
        this.#revive();
        this.#planRevival();
      },
    );
  }

  /** Dials one node that is believed dead, or where one was that is gone. */
  #revive(): void {
    const dead: MemberRecord[] = [];
    const taken = new Set<string>();
    for (const record of this.#table.records) {
      if (isPresent(record)) taken.add(record.url);
      else if (record.health === Health.dead) dead.push(record);
    }
    // Where another node listens now, the dead one cannot come back.
    const { nowMs } = this.#context;
    const ways = dead.filter(({ id, url }) =>
      !taken.has(url) && !this.#table.isAwayTooLong(id, nowMs)
    ).map(({ id }) => () => this.#attempt(id));
    // Who cannot be dialled follows those that it is linked to.
    if (this.#table.self.url !== "" && this.#dials.hasRoom) {
      for (const [url, answered] of this.#seeds) {
        const record = this.#table.get(answered);
        const isThere = record !== undefined && isPresent(record);
        if (!isThere && !taken.has(url)) ways.push(() => this.#dial(url));
      }
    }
    pick(this.#context.random, ways)?.();
  }
}
