/**
 * One read, from its coordinator.
 *
 * The first holder that has caught up proves what is there and what is not, in
 * one round trip. One that is slow is hedged by the next (Dean and Barroso,
 * "The tail at scale", CACM 2013), whose answer counts at once unless it is so
 * young that the first holder may not have it yet; one that has not caught up
 * turns the read into one of all holders, and of the members that leave and
 * were holders, of which the newest version wins.
 * Copies found to be older are repaired on the way.
 *
 * @module
 */
import { type ChordError, TimeoutError } from "../base/errors.ts";
import type { Id } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { Peers, PendingRequest, RequestHandlers } from "../mesh/peers.ts";
import { Health, type Message, Standing } from "../wire/messages.ts";
import {
  type Answer,
  type Asked,
  type Copy,
  isNotReady,
  isOpen,
  type Known,
} from "./answers.ts";
import { Call, type Ending } from "./call.ts";
import { candidatesOf, leaversOf } from "./holders.ts";
import type { ReadMode } from "./operations.ts";
import type { Replica } from "./replica.ts";
import { isNewer } from "./version.ts";
import { noMember, tooMany } from "./write.ts";

/** How long to wait before everybody is asked once more. */
const ASK_AGAIN_MS = 100;
/** A version younger than this may still be on its way to other holders. */
const YOUNG_MS = 5_000;
/** What goes through others takes this many times as long, or longer. */
const RELAYED_WAYS = 2;

/** What a read found. */
export interface ReadResult extends Copy {
  /** Holders whose copy is older than this one. */
  readonly behind: readonly Id[];
  /** The answer that was enough; `undefined` when it took several. */
  readonly proof: Known | undefined;
}

const NOTHING: Copy = {
  version: undefined,
  value: undefined,
  terms: undefined,
};

/** What a key's first holder reads without a word to anybody, if this is it. */
export function readHere(
  { ring, self }: Peers,
  { share, table }: Replica,
  id: Id,
): Copy | undefined {
  const isFirst = ring.members[ring.indexOf(id)]?.id === self.id;
  if (!isFirst || !share.isReadyFor(id)) return undefined;
  return table.get(id) ?? NOTHING;
}

/** A read that is under way. */
export class Read extends Call<ReadResult> implements RequestHandlers {
  readonly #peers: Peers;
  readonly #replica: Replica;
  readonly #id: Id;
  /** A list: three of these are found sooner than in a map, and cost less. */
  #asked: Asked[] = [];
  #mode: ReadMode;
  #known: Known | undefined;
  /** Asks, answers and changes of the ring so far. */
  #turn = 0;
  /** When the ring has changed last, in turns. */
  #changedAt = 0;
  #isAskingLater = false;
  /** Whether the first holder is getting a while longer, or has. */
  #isWaiting = false;
  /** Whether the first holder has had all the time that it gets. */
  #isLate = false;
  #request: PendingRequest | undefined;

  constructor(
    context: Context,
    peers: Peers,
    replica: Replica,
    order: {
      id: Id;
      mode: ReadMode;
      timeoutMs: number;
      known?: Known | undefined;
    },
    ending: Ending<ReadResult>,
  ) {
    super(context, order.timeoutMs, ending);
    this.#peers = peers;
    this.#replica = replica;
    this.#id = order.id;
    this.#mode = order.mode;
    this.#known = order.known;
  }

  /** Asks the holder, or the holders, that the mode wants. */
  start(): this {
    const { ring } = this.#peers;
    const first = ring.members[ring.indexOf(this.#id)];
    if (first === undefined) {
      this.fail(noMember("read the key"));
    } else if (this.#mode === "first" && !this.#isSuspect(first.id)) {
      this.#ask(first.id);
      if (first.id === this.#peers.self.id) this.#judge();
    } else {
      this.#askFor(this.#wanted());
    }
    return this;
  }

  override replan(): void {
    if (this.isOver) return;
    this.#changedAt = ++this.#turn;
    this.#askFor(this.#wanted());
  }

  protected override timedOut(): ChordError {
    return new TimeoutError(
      `Cannot read the key: ${this.#answers().length} of the ` +
        `${this.#asked.filter(isOpen).length} ` +
        `holders asked answered within ${this.timeoutMs} ms, not enough to ` +
        `prove what is there; retry, or raise "timeoutMs"`,
      "no",
    );
  }

  protected override release(): void {
    this.#request?.cancel();
    for (const { hedge } of this.#asked) this.context.timers.cancel(hedge);
  }

  #holders(): Id[] {
    const { replicas } = this.context.options;
    return candidatesOf(this.#peers.ring, this.#id, replicas)
      .map(({ id }) => id);
  }

  /** The members that leave and may have the only copies. */
  #leavers(): Id[] {
    if (this.context.lacks("leaversAreAsked")) return [];
    const { replicas } = this.context.options;
    const arc = { after: this.#id, through: this.#id };
    return leaversOf(this.#peers.ring, arc, replicas).map(({ id }) => id);
  }

  /** How many nodes must answer. */
  #wanted(): number {
    const count = this.#holders().length;
    if (this.#mode === "all") return count + this.#leavers().length;
    return this.#mode === "quorum" ? (count + 2) >> 1 : 1;
  }

  /** The nodes in the order in which this read asks them. */
  #order(): Id[] {
    const holders = this.#holders();
    if (this.#mode === "all") holders.push(...this.#leavers());
    if (this.#mode === "nearest") {
      const self = this.#peers.self.id;
      const costs = new Map(
        holders.map((
          id,
        ) => [id, id === self ? 0 : this.#peers.roundTripMs(id)]),
      );
      holders.sort((a, b) => costs.get(a)! - costs.get(b)!);
    }
    // Those in doubt come last; the order is kept otherwise.
    const inDoubt = (id: Id) =>
      this.#find(id)?.hasFailed === true || this.#isSuspect(id);
    return [
      ...holders.filter((id) => !inDoubt(id)),
      ...holders.filter(inDoubt),
    ];
  }

  #isSuspect(id: Id): boolean {
    return this.#peers.member(id)?.health !== Health.alive;
  }

  /** Asks until `count` holders are asked that have not failed. */
  #askFor(count: number): void {
    let open = 0;
    for (const id of this.#order()) {
      if (open >= count || this.isOver) break;
      const asked = this.#find(id);
      if (asked?.hasFailed === true) continue;
      open++;
      if (asked === undefined) this.#ask(id);
    }
    if (!this.isOver) this.#judge();
  }

  #ask(to: Id): void {
    const asked: Asked = {
      id: to,
      askedAt: ++this.#turn,
      answeredAt: 0,
      answer: undefined,
      hasFailed: false,
      hedge: undefined,
    };
    this.#asked.push(asked);
    if (to === this.#known?.from) {
      asked.answer = this.#known.answer;
      this.#known = undefined; // If it is asked once more, then for news.
      return;
    }
    if (to === this.#peers.self.id) {
      const entry = this.#replica.table.get(this.#id);
      asked.answer = {
        standing: this.#replica.share.standingFor(this.#id),
        version: entry?.version,
        value: entry?.value,
        terms: entry?.terms,
      };
      return;
    }
    this.#request ??= this.#peers.request(
      this.timeoutMs,
      this,
      this.deadlineMs,
    );
    if (this.#request === undefined) return this.fail(tooMany("read the key"));
    const { number } = this.#request;
    this.#request.send(to, { type: "get", request: number, id: this.#id });
    this.#hedge(asked);
  }

  onAnswer(answer: Message, from: Id): void {
    if (answer.type !== "getAnswer") return;
    const asked = this.#find(from);
    if (asked === undefined) return;
    asked.answer = answer;
    asked.answeredAt = ++this.#turn;
    if (this.#isProof(asked)) this.#end(answer, { from, answer });
    else this.#judge();
  }

  onFailure(to: Id): void {
    const asked = this.#find(to);
    if (asked !== undefined) {
      asked.hasFailed = true;
      // The next is asked now, not once this one would have been late.
      this.context.timers.cancel(asked.hedge);
    }
    this.#askFor(this.#wanted());
  }

  /** If this holder is slow, the next one is asked, too. */
  #hedge(asked: Asked): void {
    const { nowMs, options, timers } = this.context;
    const { hedgeMs: linkedMs } = options.timings;
    const hedgeMs = this.#peers.isLinked(asked.id)
      ? linkedMs
      : linkedMs * RELAYED_WAYS;
    const usualMs = 3 * this.#peers.roundTripMs(asked.id);
    // Where round trips are long, the next one must have time to answer, too.
    const slowMs = Math.min(Math.max(hedgeMs, usualMs), this.timeoutMs / 3);
    asked.hedge = timers.at(nowMs + slowMs, () => this.#onSlow(asked));
  }

  #onSlow(asked: Asked): void {
    if (asked.answer !== undefined) return;
    const open = this.#asked.filter(isOpen).length;
    if (open === 1) this.#wait();
    this.#askFor(open + 1);
  }

  /** The first holder gets a while longer, in case it knows better. */
  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.after(this.context.options.timings.standInMs, () => {
      this.#isLate = true;
      this.#judge();
    });
  }

  /** Whether this holder's answer says all there is to say. */
  #isProof({ id, answer }: Asked): boolean {
    if (answer?.standing !== Standing.ready) return false;
    if (this.#mode === "nearest") return true;
    if (this.#mode !== "first") return false;
    const { ring } = this.#peers;
    const first = ring.members[ring.indexOf(this.#id)]?.id;
    if (id === first || first === undefined) return true;
    const { wallMs } = this.context;
    const isOld = answer.version === undefined ||
      answer.version.ms < wallMs - YOUNG_MS;
    return isOld || this.#isLate || this.#find(first)?.hasFailed === true;
  }

  /** Nobody is left who could answer: perhaps the ring changes, or a link. */
  #askAllLater(): void {
    if (this.#isAskingLater) return;
    this.#isAskingLater = true;
    this.after(ASK_AGAIN_MS, () => {
      this.#isAskingLater = false;
      for (const { id, answer, hedge } of this.#asked) {
        this.context.timers.cancel(hedge);
        // A holder that does not think so: whose view is old?
        const isOther = answer?.standing === Standing.none;
        if (isOther) this.#peers.compareTables(id);
      }
      this.#asked = [];
      this.#askFor(this.#wanted());
    });
  }

  get #isOneEnough(): boolean {
    return this.#mode === "first" || this.#mode === "nearest";
  }

  #judge(): void {
    const proof = this.#proof();
    if (proof !== undefined) return this.#end(proof);
    const answers = this.#answers();
    if (this.#needsAll(answers)) {
      // Who answered has not caught up, so all must be asked.
      this.#mode = "all";
      return this.#askFor(this.#wanted());
    }
    const open = this.#asked.filter(isOpen).length;
    if (open > answers.length) return;
    const early = this.#mode === "all" ? this.#askedTooSoon() : [];
    if (early.length === 0) return this.#askAllLater();
    this.#asked = this.#asked.filter((asked) => !early.includes(asked));
    this.#askFor(this.#wanted());
  }

  /** Whether the answers so far cannot prove anything, whoever else answers. */
  #needsAll(answers: readonly Answer[]): boolean {
    if (this.#isOneEnough) return answers.some(isNotReady);
    return this.#mode === "quorum" && answers.length >= this.#wanted() &&
      answers.every(isNotReady);
  }

  /**
   * The holders that were asked before a leaver said that it has nothing, or
   * was gone: what it had may have come to them in between.
   */
  #askedTooSoon(): Asked[] {
    let goneAt = this.#changedAt;
    for (const id of this.#leavers()) {
      const leaver = this.#find(id);
      if (leaver?.answer === undefined || leaver.answer.version) continue;
      goneAt = Math.max(goneAt, leaver.answeredAt);
    }
    const holders = this.#holders();
    return this.#asked.filter(({ id, askedAt }) =>
      askedAt < goneAt && holders.includes(id)
    );
  }

  /** What is there, once the answers prove it. */
  #proof(): Copy | undefined {
    const holders = this.#holders();
    const asked = holders.map((id) => this.#find(id));
    if (this.#isOneEnough) {
      return asked.find((one) => one && this.#isProof(one))?.answer;
    }
    const isAnyReady = asked.some((one) =>
      one?.answer?.standing === Standing.ready
    );
    const answered = asked.filter((one) => one?.answer !== undefined).length;
    const isAnyOpen = asked.some((one) =>
      one !== undefined && isOpen(one) && one.answer === undefined
    );
    if (this.#mode === "quorum") {
      const isEnough = isAnyReady && answered >= this.#wanted();
      return isEnough ? this.#newest() : undefined;
    }
    // Without one that has caught up nobody may be missing, nor be no holder.
    const isEnough = isAnyReady
      ? !isAnyOpen
      : asked.every((one) =>
        one?.answer !== undefined && one.answer.standing !== Standing.none
      ) &&
        this.#leavers().every((id) => this.#find(id)?.answer !== undefined) &&
        this.#askedTooSoon().length === 0;
    return isEnough && answered > 0 ? this.#newest() : undefined;
  }

  #newest(): Copy {
    let newest = NOTHING;
    for (const answer of this.#answers()) {
      if (answer.version && isNewer(answer.version, newest.version)) {
        newest = answer;
      }
    }
    return newest;
  }

  #end({ version, value, terms }: Copy, proof?: Known): void {
    const behind: Id[] = [];
    for (const { id, answer } of this.#asked) {
      if (answer && version && isNewer(version, answer.version)) {
        behind.push(id);
      }
    }
    this.succeed({ version, value, terms, behind, proof });
  }

  #find(id: Id): Asked | undefined {
    for (const asked of this.#asked) if (asked.id === id) return asked;
    return undefined;
  }

  #answers(): Answer[] {
    return this.#asked.flatMap(({ answer }) => answer ?? []);
  }
}
