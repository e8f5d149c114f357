/**
 * Letters to one node, confirmed by it.
 *
 * A letter takes the link to its node or, where there is none, a way through
 * another one, while the node is dialled. Whatever happens on the way, silence
 * is all that the sender hears: so it sends again, by another way each time,
 * until the node itself confirms. The receiver takes each letter once, however
 * often it comes, and confirms every copy, since a confirmation may be lost too.
 *
 * Not taken: confirmations of each hop. They say that a relay had the letter,
 * which is worth nothing once the relay dies.
 *
 * @module
 */
import {
  type ChordError,
  ClosedError,
  ConnectionError,
  NoPeerError,
  OverloadedError,
  TimeoutError,
  UnknownOutcomeError,
} from "../base/errors.ts";
import { NOTES_BYTES_WAITING_MAX } from "../base/limits.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import type { Letter, MessageOf } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import type { CallNumber } from "./events.ts";
import type { Link } from "./link.ts";
import type { Links } from "./links.ts";
import type { Router } from "./relay.ts";
import { NotesSeen } from "./notes_seen.ts";
import { isPresent, type Table } from "./table.ts";

/** The first copy that is not confirmed is followed by another after this. */
const RETRY_MIN_MS = 200;
/** The wait doubles with each copy, up to this. */
const RETRY_MAX_MS = 2_000;
/** Round trips that a confirmation may take before another copy is sent. */
const RETRY_ROUND_TRIPS = 4;
/** A long letter takes a while by itself: bytes that pass in one ms. */
const SLOW_BYTES_PER_MS = 1_000;

/** A letter that is not confirmed yet. */
interface Note {
  readonly call: CallNumber;
  readonly to: Id;
  readonly letter: Letter;
  readonly bytes: number;
  readonly startMs: number;
  readonly deadlineMs: number;
  /** How many copies have left. */
  copies: number;
  /** The link that the last one left on. */
  link: Link | undefined;
  /** Nodes that have had a copy in this round of ways. */
  readonly tried: Set<Id>;
  timer: Timer | undefined;
}

/** What the notes need of the rest of the node. */
export interface NotesHost {
  roundTripMs(id: Id): number;
  /** A letter came, for the first time. */
  onLetter(letter: Letter, from: Id): void;
}

/** The letters to single nodes, out and in. */
export class Notes {
  readonly #context: Context;
  readonly #table: Table;
  readonly #links: Links;
  readonly #router: Router;
  readonly #host: NotesHost;
  /** By the letter's id. */
  readonly #notes = new Map<Id, Note>();
  readonly #seen: NotesSeen;
  #bytes = 0;

  constructor(
    context: Context,
    table: Table,
    links: Links,
    router: Router,
    host: NotesHost,
  ) {
    this.#context = context;
    this.#table = table;
    this.#links = links;
    this.#router = router;
    this.#host = host;
    this.#seen = new NotesSeen(context.options.timings.outcomeMs);
  }

  /** Letters that are not confirmed yet. */
  get size(): number {
    return this.#notes.size;
  }

  begin(call: CallNumber, to: Id, letter: Letter, timeoutMs: number): void {
    let bytes = 0;
    for (const packet of letter.packets) bytes += packet.bytes.length;
    const refusal = this.#refusal(to, bytes);
    if (refusal !== undefined) return this.#context.failure(call, refusal);
    const { nowMs, options } = this.#context;
    // No copy may come after the receiver has forgotten that it had one.
    const forMs = Math.min(timeoutMs, options.timings.outcomeMs / 2);
    const note: Note = {
      call,
      to,
      letter,
      bytes,
      startMs: nowMs,
      deadlineMs: nowMs + forMs,
      copies: 0,
      link: undefined,
      tried: new Set(),
      timer: undefined,
    };
    this.#notes.set(letter.id, note);
    this.#bytes += bytes;
    this.#attempt(note);
  }

  /** Takes a letter once, and says each time that it is here. */
  onNote({ letter, confirm }: MessageOf<"note">, from: Id, by: Link): void {
    if (!confirm) return this.#host.onLetter(letter, from);
    const { id } = letter;
    if (this.#seen.add(`${from} ${id}`, this.#context.nowMs)) {
      this.#host.onLetter(letter, from);
    }
    // The way that it came works in one direction at least; no other may.
    this.#router.sendBy(by, from, { type: "noted", id });
  }

  /** Only the node that a letter is for can confirm it. */
  onNoted({ id }: MessageOf<"noted">, from: Id): void {
    const note = this.#notes.get(id);
    if (note?.to !== from) return;
    this.#end(note);
    this.#context.result(note.call, undefined);
  }

  /** A link is there: perhaps the one that was wanted. */
  onUp(link: Link): void {
    for (const note of this.#notes.values()) {
      if (note.to === link.peer || note.copies === 0) this.#retryNow(note);
    }
  }

  /** What left on this link may be lost. */
  onBroken(link: Link): void {
    for (const note of this.#notes.values()) {
      if (note.link === link) this.#retryNow(note);
    }
  }

  /** A node is dead or has left. */
  onGone(id: Id): void {
    for (const note of [...this.#notes.values()]) {
      if (note.to !== id) continue;
      this.#fail(
        note,
        note.copies === 0 ? goneError(id) : new UnknownOutcomeError(
          `Cannot reply to the node ${id}: it has gone before it confirmed; ` +
            `it may have had the message`,
        ),
      );
    }
  }

  onCancel(call: CallNumber): void {
    for (const note of this.#notes.values()) {
      if (note.call === call) return this.#end(note);
    }
  }

  /** The node closes. */
  close(): void {
    for (const note of [...this.#notes.values()]) {
      this.#fail(
        note,
        new ClosedError(
          `Cannot reply to the node ${note.to}: the socket was closed meanwhile`,
          note.copies === 0 ? "no" : "maybe",
        ),
      );
    }
  }

  #refusal(to: Id, bytes: number): ChordError | undefined {
    const record = this.#table.get(to);
    // Whoever is not known where nobody knows all is known to those near it.
    const isKnown = record !== undefined || this.#table.isPartial;
    if (!isKnown || (record && !isPresent(record))) return goneError(to);
    if (this.#bytes + bytes <= NOTES_BYTES_WAITING_MAX) return undefined;
    return new OverloadedError(
      `Cannot reply to the node ${to}: replies of ${this.#bytes} bytes wait ` +
        `to be confirmed already; wait for some of them`,
    );
  }

  #retryNow(note: Note): void {
    this.#context.timers.cancel(note.timer);
    // Not from within: whoever calls may be in the middle of a change.
    note.timer = this.#context.timers.at(
      this.#context.nowMs,
      () => this.#attempt(note),
    );
  }

  /** Sends one more copy, by a way that was not tried lately. */
  #attempt(note: Note): void {
    const { nowMs, timers } = this.#context;
    if (nowMs >= note.deadlineMs) return this.#giveUp(note);
    let link = this.#send(note);
    if (link === undefined && note.tried.size > 0) {
      note.tried.clear();
      link = this.#send(note);
    }
    if (link !== undefined) {
      note.copies++;
      note.tried.add(link.peer);
    }
    note.link = link;
    const roundTripMs = this.#host.roundTripMs(note.to);
    const firstMs = Math.max(RETRY_MIN_MS, RETRY_ROUND_TRIPS * roundTripMs);
    const doublings = Math.max(0, note.copies - 1);
    const waitMs = Math.min(firstMs * 2 ** doublings, RETRY_MAX_MS) +
      note.bytes / SLOW_BYTES_PER_MS;
    note.timer = timers.at(
      Math.min(nowMs + waitMs, note.deadlineMs),
      () => this.#attempt(note),
    );
  }

  #send({ to, letter, tried }: Note): Link | undefined {
    if (this.#links.to(to)?.isCrowded === true) tried.add(to);
    const message = { type: "note", letter, confirm: true } as const;
    return this.#router.send(to, message, tried);
  }

  #giveUp(note: Note): void {
    const ms = Math.round(this.#context.nowMs - note.startMs);
    this.#fail(
      note,
      note.copies === 0
        ? new ConnectionError(
          `Cannot reply to the node ${note.to}: no way led there within ` +
            `${ms} ms; retry when it is connected`,
        )
        : new TimeoutError(
          `Cannot reply to the node ${note.to}: it confirmed none of ` +
            `${note.copies} copies within ${ms} ms; raise "timeoutMs"`,
          "maybe",
        ),
    );
  }

  #fail(note: Note, error: ChordError): void {
    this.#end(note);
    this.#context.failure(note.call, error);
  }

  #end(note: Note): void {
    this.#context.timers.cancel(note.timer);
    if (this.#notes.delete(note.letter.id)) this.#bytes -= note.bytes;
  }
}

function goneError(id: Id): NoPeerError {
  return new NoPeerError(
    `Cannot reply to the node ${id}: it has left, is dead, or is not known ` +
      `here; nobody is there to answer`,
  );
}
