/**
 * What goes over all keys: counting, and scanning in pages.
 *
 * A scan walks the ring in the order of the keys' hashes, so that it does not
 * matter who answers: a key has one place in it, and one that is there during
 * the whole scan comes exactly once, whatever the members do meanwhile.
 *
 * @module
 */
import { type ChordError, TimeoutError } from "../base/errors.ts";
import { PAGE_BYTES, PAGE_ENTRIES_MAX } from "../base/limits.ts";
import { type Id, MAX_ID, ZERO_ID } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { Peers, PendingRequest } from "../mesh/peers.ts";
import type { EntryRecord, MessageOf } from "../wire/messages.ts";
import { Call, type Ending } from "./call.ts";
import { candidatesOf } from "./holders.ts";
import type { ScanPage } from "./operations.ts";
import type { Replica } from "./replica.ts";
import type { Arc } from "./table.ts";
import { noMember, tooMany } from "./write.ts";

/** How long to wait for a ring that is not ready to answer. */
const ASK_AGAIN_MS = 100;

/** What a holder tells of a range. */
export type ScanAnswer = Pick<
  MessageOf<"scanAnswer">,
  "ready" | "through" | "entries"
>;

/** What a holder is asked of a range. */
export type ScanOrder = Pick<
  MessageOf<"scan">,
  "after" | "through" | "limit" | "values"
>;

const NOT_READY: ScanAnswer = { ready: false, through: ZERO_ID, entries: [] };

/** A page of a range that this node holds. */
export function scanHere(replica: Replica, order: ScanOrder): ScanAnswer {
  const { after, through, limit, values } = order;
  if (after >= through || !replica.share.isReadyWithin(order)) return NOT_READY;
  const entries: EntryRecord[] = [];
  let bytes = 0;
  for (const entry of replica.table.range({ after, through })) {
    if (!entry.isLive) continue;
    const { key, version, terms } = entry;
    const value = values ? entry.value : undefined;
    entries.push({ key, value, version, terms });
    bytes += key.length + (value?.length ?? 0);
    if (entries.length >= limit || bytes >= PAGE_BYTES) {
      return { ready: true, through: entry.id, entries };
    }
  }
  return { ready: true, through, entries };
}

/** One page, from whichever holder can give it. */
export class Scan extends Call<ScanPage> {
  readonly #peers: Peers;
  readonly #replica: Replica;
  readonly #after: Id;
  readonly #values: boolean;
  #request: PendingRequest | undefined;
  #sources: Id[] = [];
  #through: Id = MAX_ID;

  constructor(
    context: Context,
    peers: Peers,
    replica: Replica,
    order: { after: Id | undefined; values: boolean; timeoutMs: number },
    ending: Ending<ScanPage>,
  ) {
    super(context, order.timeoutMs, ending);
    this.#peers = peers;
    this.#replica = replica;
    this.#after = order.after ?? ZERO_ID;
    this.#values = order.values;
  }

  start(): this {
    this.#begin();
    return this;
  }

  /** The page that is asked for is a good one whatever the ring is now. */
  override replan(): void {
  }

  protected override timedOut(): ChordError {
    return new TimeoutError(
      `Cannot scan the dict: no holder of the next keys could answer within ` +
        `${this.timeoutMs} ms; retry, or raise "timeoutMs"`,
      "no",
    );
  }

  protected override release(): void {
    this.#request?.cancel();
  }

  #begin(): void {
    const { ring } = this.#peers;
    if (ring.members.length === 0) return this.fail(noMember("scan the dict"));
    const next = ring.members.find(({ position }) => position > this.#after);
    this.#through = next?.position ?? MAX_ID;
    const { replicas } = this.context.options;
    const holders = candidatesOf(ring, this.#through, replicas)
      .map(({ id }) => id);
    // One that has just died would keep the page waiting for all of its time.
    this.#sources = [
      ...holders.filter((id) => this.#isNear(id)),
      ...holders.filter((id) => !this.#isNear(id)),
    ];
    // Past the last position the keys belong to the first member.
    this.#askNext();
  }

  #isNear(id: Id): boolean {
    return id === this.#peers.self.id || this.#peers.isLinked(id);
  }

  #askNext(): void {
    const source = this.#sources.shift();
    if (source === undefined) {
      return void this.after(ASK_AGAIN_MS, () => this.#begin());
    }
    const order: ScanOrder = {
      after: this.#after,
      through: this.#through,
      limit: PAGE_ENTRIES_MAX,
      values: this.#values,
    };
    if (source === this.#peers.self.id) {
      return this.#onAnswer(scanHere(this.#replica, order));
    }
    this.#request?.cancel();
    this.#request = this.#peers.request(this.timeoutMs, {
      onAnswer: (answer) => {
        if (answer.type === "scanAnswer") this.#onAnswer(answer);
      },
      onFailure: () => this.#askNext(),
    });
    if (this.#request === undefined) return this.fail(tooMany("scan the dict"));
    const { number } = this.#request;
    this.#request.send(source, { type: "scan", request: number, ...order });
  }

  #onAnswer({ ready, through, entries }: ScanAnswer): void {
    const isProgress = through > this.#after || through === MAX_ID;
    if (!ready || !isProgress) return this.#askNext();
    const next = through === MAX_ID ? undefined : through;
    this.succeed({ entries, next });
  }
}

/** The number of keys: each member counts those of which it is first holder. */
export class Size extends Call<number> {
  readonly #peers: Peers;
  readonly #replica: Replica;
  #request: PendingRequest | undefined;
  #waiting = new Set<Id>();
  #sum = 0;
  #round = 0;

  constructor(
    context: Context,
    peers: Peers,
    replica: Replica,
    order: { timeoutMs: number },
    ending: Ending<number>,
  ) {
    super(context, order.timeoutMs, ending);
    this.#peers = peers;
    this.#replica = replica;
  }

  start(): this {
    this.#begin();
    return this;
  }

  /** A member more or less: the arcs are other ones. */
  override replan(): void {
    this.#begin();
  }

  protected override timedOut(): ChordError {
    return new TimeoutError(
      `Cannot count the keys: ${this.#waiting.size} members did not answer ` +
        `within ${this.timeoutMs} ms; retry, or raise "timeoutMs"`,
      "no",
    );
  }

  protected override release(): void {
    this.#request?.cancel();
  }

  #begin(): void {
    const { ring, self } = this.#peers;
    if (ring.members.length === 0) return this.fail(noMember("count the keys"));
    this.#round++;
    this.#sum = 0;
    this.#waiting = new Set(ring.members.map(({ id }) => id));
    this.#request?.cancel();
    this.#request = this.#peers.request(this.timeoutMs, {
      onAnswer: (answer, from) => {
        if (answer.type !== "countAnswer") return;
        this.#onCount(from, answer.ready ? answer.count : undefined);
      },
      onFailure: () => this.#beginLater(),
    });
    if (this.#request === undefined) {
      return this.fail(tooMany("count the keys"));
    }
    const { number } = this.#request;
    for (const { id } of ring.members) {
      if (id === self.id) continue;
      this.#request.send(id, {
        type: "count",
        request: number,
        view: ring.hash,
      });
    }
    if (this.#waiting.has(self.id)) {
      this.#onCount(self.id, countHere(this.#replica, self.id));
    }
  }

  #beginLater(): void {
    const round = ++this.#round;
    this.after(ASK_AGAIN_MS, () => {
      if (round === this.#round) this.#begin();
    });
  }

  #onCount(from: Id, count: number | undefined): void {
    if (count === undefined) return this.#beginLater();
    if (!this.#waiting.delete(from)) return;
    this.#sum += count;
    if (this.#waiting.size === 0) this.succeed(this.#sum);
  }
}

/** The keys of which this node is first holder; nothing if it is not sure. */
export function countHere(replica: Replica, self: Id): number | undefined {
  const portion = replica.share.portions[0];
  if (!portion?.ready || portion.segment.holders[0] !== self) return undefined;
  const arc: Arc = portion.segment;
  return replica.table.liveIn(arc);
}
