/**
 * The calls of the application that are about the mesh itself.
 *
 * @module
 */
import {
  type ChordError,
  ClosedError,
  ConnectionError,
  OverloadedError,
  TimeoutError,
} from "../base/errors.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import { type Letter, Turn } from "../wire/messages.ts";
import { CloseCode } from "./close_codes.ts";
import type { Context } from "./context.ts";
import type { Dialler } from "./dialler.ts";
import type { Dial, DialOutcome } from "./dials.ts";
import type {
  CallNumber,
  DialNumber,
  LinkNumber,
  MeshOperation,
} from "./events.ts";
import type { Link } from "./link.ts";
import type { Links } from "./links.ts";
import type { Table } from "./table.ts";

/** What calls bring about outside this file. */
export interface CallHandlers {
  /** Ends the call once the node has confirmed. */
  note(call: CallNumber, to: Id, letter: Letter, timeoutMs: number): void;
  /** Ends the call once the letter is on its way to all or to the linked. */
  send(call: CallNumber, letter: Letter, isToAll: boolean): void;
  close(): void;
}

/** A call that waits for a link that came in. */
interface Accepting {
  readonly call: CallNumber;
  readonly link: LinkNumber;
  readonly timer: Timer;
}

/** A call whose link is there. */
interface Acquainting {
  readonly peer: Id;
  readonly timer: Timer;
}

/** The calls that wait, and the links and dials that they wait for. */
export class Calls {
  readonly #context: Context;
  readonly #table: Table;
  readonly #links: Links;
  readonly #dialler: Dialler;
  readonly #handlers: CallHandlers;
  /** By link; a driver accepts a link once. */
  readonly #accepting = new Map<LinkNumber, Accepting>();
  readonly #connecting = new Set<Dial>();
  /**
   * Calls whose link is there, but not yet what the peer knows: whoever is
   * connected should know of the ring, and not found a second one.
   */
  readonly #acquainting = new Map<CallNumber, Acquainting>();

  constructor(
    context: Context,
    table: Table,
    links: Links,
    dialler: Dialler,
    handlers: CallHandlers,
  ) {
    this.#context = context;
    this.#table = table;
    this.#links = links;
    this.#dialler = dialler;
    this.#handlers = handlers;
  }

  onCall(call: CallNumber, operation: MeshOperation): void {
    switch (operation.type) {
      case "connect":
        return this.#connect(call, operation.url, operation.timeoutMs);
      case "accept":
        return this.#accept(call, operation.link, operation.timeoutMs);
      case "listen":
        this.#table.setSelf({ url: operation.url }, this.#context.nowMs);
        return this.#context.result(call, undefined);
      case "cast":
      case "tell": {
        const isToAll = operation.type === "cast";
        return this.#handlers.send(call, operation.letter, isToAll);
      }
      case "note": {
        const { to, letter, timeoutMs } = operation;
        return this.#handlers.note(call, to, letter, timeoutMs);
      }
      case "close":
        this.#failAll();
        this.#handlers.close();
        return this.#context.result(call, undefined);
    }
  }

  /** Nobody waits any more; what was begun may still come about. */
  onCancel(call: CallNumber): void {
    for (const dial of this.#connecting) {
      if (dial.call !== call) continue;
      dial.call = undefined;
      this.#connecting.delete(dial);
    }
    this.#stopAcquainting(call);
    for (const accepting of this.#accepting.values()) {
      if (accepting.call === call) this.#stopAccepting(accepting);
    }
  }

  /** A call that came after the node was closed. */
  refuseClosed(call: CallNumber): void {
    this.#context.failure(call, closedError());
  }

  /** A transport is open; one that comes too late is not wanted any more. */
  onOpened(
    link: LinkNumber,
    dial: DialNumber | undefined,
    isAttached: boolean,
  ): void {
    if (dial === undefined) {
      this.#links.open(link, dial, isAttached ? Turn.either : Turn.second);
      return;
    }
    if (this.#dialler.dials.get(dial) !== undefined) {
      this.#links.open(link, dial, Turn.first);
      return;
    }
    this.#context.effect({
      type: "close",
      link,
      code: CloseCode.handshake,
      reason: "the dial took too long",
    });
  }

  onDialFailed(number: DialNumber, reason: string): void {
    const dial = this.#dialler.dials.get(number);
    if (dial !== undefined) {
      dial.error = new ConnectionError(
        `Cannot connect to "${dial.url}": ${reason || "it was refused"}; ` +
          `check the url and that a node listens there`,
      );
    }
    this.#dialler.onFailed(number);
  }

  /** The handshake of a link is done. */
  onLinkUp(link: Link): void {
    const accepting = this.#accepting.get(link.number);
    if (accepting === undefined) return;
    this.#stopAccepting(accepting);
    this.#context.result(accepting.call, link.peer);
  }

  /** A handshake came to nothing. */
  onLinkFailed(link: Link, error: ChordError): void {
    if (link.dial !== undefined) {
      const dial = this.#dialler.dials.get(link.dial);
      if (dial !== undefined) dial.error = error;
      this.#dialler.dials.end(link.dial, "silent");
      return;
    }
    const accepting = this.#accepting.get(link.number);
    if (accepting !== undefined) {
      this.#stopAccepting(accepting);
      this.#context.failure(accepting.call, error);
    } else if (error.code !== "connection") {
      // Whoever connects and goes away without a word is nobody's business.
      this.#context.notice({ type: "error", error });
    }
  }

  onDialEnd(dial: Dial, outcome: DialOutcome, peer: Id | undefined): void {
    this.#connecting.delete(dial);
    if (dial.call === undefined) return;
    if (outcome === "linked" && peer !== undefined) {
      return this.#acquaint(dial, dial.call, peer);
    }
    const elapsedMs = Math.round(this.#context.nowMs - dial.startedMs);
    this.#context.failure(
      dial.call,
      dial.error ?? new TimeoutError(
        `Cannot connect to "${dial.url}": no handshake within ${elapsedMs} ` +
          `ms; check the url, or raise "timeoutMs"`,
        "no",
      ),
    );
  }

  /** Whether a call waits for what `peer` knows. */
  isAcquainting(peer: Id): boolean {
    for (const waiting of this.#acquainting.values()) {
      if (waiting.peer === peer) return true;
    }
    return false;
  }

  /** This node knows of all that `peer` knows of, or lost it again. */
  onAcquainted(peer: Id): void {
    for (const [call, waiting] of this.#acquainting) {
      if (waiting.peer !== peer) continue;
      this.#stopAcquainting(call);
      this.#context.result(call, peer);
    }
  }

  /** Waits for what the peer knows, but no longer than the call may take. */
  #acquaint(dial: Dial, call: CallNumber, peer: Id): void {
    const timer = this.#context.timers.at(dial.deadlineMs, () => {
      this.#acquainting.delete(call);
      this.#context.result(call, peer);
    });
    this.#acquainting.set(call, { peer, timer });
  }

  #stopAcquainting(call: CallNumber): void {
    this.#context.timers.cancel(this.#acquainting.get(call)?.timer);
    this.#acquainting.delete(call);
  }

  #connect(call: CallNumber, url: string, timeoutMs: number): void {
    if (!this.#dialler.dials.hasRoom) {
      return this.#context.failure(
        call,
        new OverloadedError(
          `Cannot connect to "${url}": ${this.#dialler.dials.size} dials are ` +
            `under way already; wait for some of them`,
        ),
      );
    }
    const dial = this.#dialler.connect(url, timeoutMs);
    dial.call = call;
    this.#connecting.add(dial);
  }

  #accept(call: CallNumber, number: LinkNumber, timeoutMs: number): void {
    const link = this.#links.get(number);
    if (link?.state === "open") return this.#context.result(call, link.peer);
    if (link === undefined || link.state === "closing") {
      return this.#context.failure(
        call,
        new ConnectionError(
          "Cannot accept a transport: it has ended already; accept it while " +
            "it is open",
        ),
      );
    }
    const { nowMs, timers } = this.#context;
    const timer = timers.at(nowMs + timeoutMs, () => {
      const reason = `no handshake within ${timeoutMs} ms`;
      this.#links.close(
        link,
        CloseCode.handshake,
        reason,
        new TimeoutError(
          `Cannot accept a transport: ${reason}; raise "timeoutMs"`,
          "no",
        ),
      );
    });
    this.#accepting.set(number, { call, link: number, timer });
  }

  #stopAccepting(accepting: Accepting): void {
    this.#context.timers.cancel(accepting.timer);
    this.#accepting.delete(accepting.link);
  }

  #failAll(): void {
    for (const dial of this.#connecting) {
      this.#context.failure(dial.call!, closedError());
      dial.call = undefined;
    }
    this.#connecting.clear();
    for (const call of this.#acquainting.keys()) {
      this.#stopAcquainting(call);
      this.#context.failure(call, closedError());
    }
    for (const accepting of this.#accepting.values()) {
      this.#stopAccepting(accepting);
      this.#context.failure(accepting.call, closedError());
    }
  }
}

function closedError(): ClosedError {
  return new ClosedError(
    "Cannot use a node that is closed; make a new one",
    "no",
  );
}
