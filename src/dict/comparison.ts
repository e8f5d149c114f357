/**
 * Makes two holders' copies of a range the same, with traffic for what differs.
 *
 * Range-based set reconciliation (Meyer, "Range-based set reconciliation",
 * SRDS 2023; the idea is that of DHash's Merkle trees): compare the digest of
 * a range; where it differs, split it or list it; then pull and push the
 * entries that are newer here or there. One request is in flight at a time,
 * but a few where all of a long range is fetched: else both sides would wait for
 * each other after every page.
 *
 * @module
 */
import { PAGE_BYTES, PAGE_ENTRIES_MAX } from "../base/limits.ts";
import { type Id, idFromBigInt, idToBigInt } from "../id/id.ts";
import type { Peers, PendingRequest } from "../mesh/peers.ts";
import {
  type EntryRecord,
  type Message,
  type MessageOf,
  PartStatus,
  Role,
} from "../wire/messages.ts";
import { LISTED_MAX, pageOf, sizeOf } from "./donor.ts";
import type { Replica } from "./replica.ts";
import { type Arc, straight } from "./table.ts";
import { compareVersions } from "./version.ts";

/** Into how many parts a range is split that differs and is too long to list. */
const SPLIT = 16;
/** Pages that are fetched at once. */
const PAGES_MAX = 4;
/** How long one answer may take. */
const ANSWER_TIMEOUT_MS = 10_000;
/** How long, where the question goes through others that may lose it. */
export const RELAYED_TIMEOUT_MS = 1_000;

/** Neighbouring ranges that one digest question asks about. */
interface Group {
  readonly after: Id;
  readonly throughs: readonly Id[];
}

/** How a comparison ended. */
export interface Compared {
  /** Whether the other node had caught up in all of the range, all the time. */
  readonly wasReady: boolean;
}

/** One comparison that is under way. */
export class Comparison {
  readonly #peers: Peers;
  readonly #replica: Replica;
  readonly #with: Id;
  readonly #onEnd: (result: Compared | undefined) => void;
  readonly #groups: Group[];
  readonly #pullRanges: Arc[] = [];
  readonly #pushRanges: Arc[] = [];
  #pulls: Id[] = [];
  #pushes: Id[] = [];
  #wasReady = true;
  /**
   * Who is to hold everything and has not caught up fetches it, from one at a
   * time: all others would push the same entries. Who leaves wants nothing.
   */
  #mayPush = true;
  #isOver = false;
  readonly #requests = new Set<PendingRequest>();

  /** @param onEnd is told nothing when the other node did not answer */
  constructor(
    parts: { peers: Peers; replica: Replica },
    arc: Arc,
    with_: Id,
    onEnd: (result: Compared | undefined) => void,
  ) {
    this.#peers = parts.peers;
    this.#replica = parts.replica;
    this.#with = with_;
    this.#onEnd = onEnd;
    this.#groups = straight(arc)
      .map(({ after, through }) => ({ after, throughs: [through] }));
  }

  start(): void {
    this.#next();
  }

  /** Ends without a result. */
  cancel(): void {
    this.#end(undefined);
  }

  #next(): void {
    while (this.#requests.size < PAGES_MAX && !this.#isOver) {
      const pull = this.#pullRanges.pop();
      if (pull === undefined) break;
      this.#pullRange(pull);
    }
    if (this.#requests.size > 0 || this.#isOver) return;
    if (this.#pulls.length > 0) return this.#pull();
    if (this.#pushes.length > 0) return this.#push();
    const push = this.#pushRanges.pop();
    if (push !== undefined) return this.#pushRange(push);
    const group = this.#groups.pop();
    if (group !== undefined) return this.#digest(group);
    this.#end({ wasReady: this.#wasReady });
  }

  #digest({ after, throughs }: Group): void {
    let start = after;
    const parts = throughs.map((through) => {
      const summary = this.#replica.table.summary({ after: start, through });
      start = through;
      return { through, ...summary };
    });
    this.#ask(
      (request) => ({ type: "digest", request, after, parts }),
      (answer) => {
        if (answer.type !== "digestAnswer") return this.#end(undefined);
        this.#wasReady &&= answer.ready;
        const { isWhole } = this.#replica.share;
        const isLeaving = this.#peers.member(this.#with)?.role === Role.leaving;
        this.#mayPush = !isLeaving && (answer.ready || !isWhole);
        start = after;
        for (const [i, through] of throughs.entries()) {
          const part = answer.parts[i];
          if (part !== undefined) this.#onPart({ after: start, through }, part);
          start = through;
        }
        this.#next();
      },
    );
  }

  #onPart(
    arc: Arc,
    part: MessageOf<"digestAnswer">["parts"][number],
  ): void {
    if (part.status === PartStatus.same) return;
    const { table } = this.#replica;
    if (part.status === PartStatus.split) {
      const isEmptyHere = table.summary(arc).count === 0;
      if (isEmptyHere) {
        this.#pullRanges.push(...arcsOf(splitUp(arc, PAGES_MAX)));
      } else this.#groups.push(splitUp(arc, SPLIT));
      return;
    }
    if (part.items.length === 0) {
      if (this.#mayPush) this.#pushRanges.push(arc);
      return;
    }
    const theirs = new Map(part.items.map(({ id, version }) => [id, version]));
    for (const { id, version } of table.range(arc)) {
      const their = theirs.get(id);
      theirs.delete(id);
      const order = their === undefined ? 1 : compareVersions(version, their);
      if (order > 0 && this.#mayPush) this.#pushes.push(id);
      if (order < 0) this.#pulls.push(id);
    }
    this.#pulls.push(...theirs.keys());
  }

  #pull(): void {
    const ids = this.#pulls.slice(0, PAGE_ENTRIES_MAX);
    this.#ask(
      (request) => ({ type: "pull", request, ids }),
      (answer) => {
        if (answer.type !== "pulled") return this.#end(undefined);
        for (const entry of answer.entries) this.#replica.take(entry);
        const served = ids.indexOf(answer.through) + 1;
        this.#pulls = served > 0 ? this.#pulls.slice(served) : [];
        this.#next();
      },
    );
  }

  #pullRange({ after, through }: Arc): void {
    this.#ask(
      (request) => ({ type: "pullRange", request, after, through }),
      (answer) => {
        if (answer.type !== "pulled") return this.#end(undefined);
        for (const entry of answer.entries) this.#replica.take(entry);
        const isProgress = answer.through > after && answer.through < through;
        if (isProgress) {
          this.#pullRanges.push({ after: answer.through, through });
        }
        this.#next();
      },
    );
  }

  #push(): void {
    const entries: EntryRecord[] = [];
    let bytes = 0;
    while (
      this.#pushes.length > 0 && entries.length < LISTED_MAX &&
      bytes < PAGE_BYTES
    ) {
      const entry = this.#replica.table.get(this.#pushes.pop()!);
      if (entry === undefined) continue;
      entries.push(entry);
      bytes += sizeOf(entry);
    }
    this.#give(entries);
  }

  #pushRange(arc: Arc): void {
    const { through, entries } = pageOf(this.#replica.table, arc);
    if (through < arc.through) {
      this.#pushRanges.push({ after: through, through: arc.through });
    }
    this.#give(entries);
  }

  #give(entries: readonly EntryRecord[]): void {
    if (entries.length === 0) return this.#next();
    this.#ask(
      (request) => ({ type: "push", request, entries }),
      () => this.#next(),
    );
  }

  #ask(
    message: (request: number) => Message,
    onAnswer: (answer: Message) => void,
  ): void {
    const timeoutMs = this.#peers.isLinked(this.#with)
      ? ANSWER_TIMEOUT_MS
      : RELAYED_TIMEOUT_MS;
    const request = this.#peers.request(timeoutMs, {
      onAnswer: (answer) => {
        this.#requests.delete(request!);
        request!.cancel();
        onAnswer(answer);
      },
      onFailure: () => this.#end(undefined),
    });
    if (request === undefined) return this.#end(undefined);
    this.#requests.add(request);
    request.send(this.#with, message(request.number));
  }

  #end(result: Compared | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const request of this.#requests) request.cancel();
    this.#onEnd(result);
  }
}

/** The ranges of a group. */
function arcsOf({ after, throughs }: Group): Arc[] {
  return throughs.map((through, i) => ({
    after: i === 0 ? after : throughs[i - 1]!,
    through,
  }));
}

/** A straight range in equal parts. */
function splitUp({ after, through }: Arc, count: number): Group {
  const start = idToBigInt(after);
  const width = idToBigInt(through) - start;
  const throughs: Id[] = [];
  for (let i = 1; i <= count; i++) {
    const end = idFromBigInt(start + (width * BigInt(i)) / BigInt(count));
    if (end > (throughs.at(-1) ?? after)) throughs.push(end);
  }
  return { after, throughs };
}
