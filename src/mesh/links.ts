/**
 * All links of a node: their handshakes, what goes in and out on them, and how
 * they end.
 *
 * Whatever a peer sends can only ever end its own link: reading is guarded here,
 * and only here, so that a mistake of this node itself is not taken for one of
 * a peer.
 *
 * @module
 */
import { type Bytes, lengthOf, type Parts } from "../base/bytes.ts";
import {
  type ChordError,
  ConnectionError,
  OverloadedError,
  ProtocolError,
} from "../base/errors.ts";
import { LINK_QUEUE_BYTES_MAX } from "../base/limits.ts";
import type { Id } from "../id/id.ts";
import { encodeParts, laneOf, readMessage } from "../wire/codec.ts";
import type {
  Lane,
  MemberRecord,
  Message,
  MessageOf,
  Turn,
} from "../wire/messages.ts";
import type { Reader } from "../wire/reader.ts";
import { Allowances } from "./allowance.ts";
import { CloseCode } from "./close_codes.ts";
import type { Context } from "./context.ts";
import { Crowd } from "./crowd.ts";
import type { DialNumber, LinkNumber } from "./events.ts";
import type { Framing } from "./framer.ts";
import { checkLength, Greeter, GREETINGS, type Macs } from "./greeter.ts";
import {
  codeOf,
  errorOf,
  Link,
  shortReason,
  subnetHash,
  versionProblem,
} from "./link.ts";
import { Succession } from "./succession.ts";

/** Why a peer is not let in. */
export interface Refusal {
  readonly code: typeof CloseCode.overloaded | typeof CloseCode.away;
  readonly reason: string;
}

/** What the links tell the rest of the node. */
export interface LinkHandlers {
  /** The own record, as a hello tells it. */
  self(): MemberRecord;
  /** Why this peer may not link, or `undefined`. */
  admit(record: MemberRecord): Refusal | undefined;
  /** A link is usable; `isFirst`: the only one to its peer. */
  onUp(link: Link, record: MemberRecord, isFirst: boolean): void;
  /** The last link to a peer is gone; `left` is the one that carried it. */
  onDown(link: Link, code: number, reason: string): void;
  /** A usable link broke, with or without another one to its peer. */
  onBroken(link: Link): void;
  /** A link ended before its handshake was done. */
  onFailed(link: Link, error: ChordError): void;
  /** A link that was usable ended in a way that somebody should look at. */
  onError(error: ChordError): void;
  /** The last crowded link has room again, or is gone. */
  onRoom(): void;
  onMessage(message: Message, link: Link): void;
}

/** The links, by number and by peer. */
export class Links {
  readonly #context: Context;
  readonly #handlers: LinkHandlers;
  readonly #greeter: Greeter;
  readonly #succession: Succession;
  readonly #crowd: Crowd;
  readonly #allowances: Allowances;
  readonly #links = new Map<LinkNumber, Link>();
  /** The link that is used for sending to each peer. */
  readonly #primary = new Map<Id, Link>();
  /** Links whose handshake is not done. */
  #greeting = 0;
  /** Whether a frame of one message is being taken. */
  #isUrgent = false;
  framesSent = 0;
  framesReceived = 0;
  bytesSent = 0;
  bytesReceived = 0;

  constructor(context: Context, handlers: LinkHandlers) {
    this.#context = context;
    this.#handlers = handlers;
    this.#allowances = new Allowances(context);
    const { subnet, dialect } = context.options;
    this.#greeter = new Greeter(context, subnetHash(subnet, dialect), {
      self: () => handlers.self(),
      send: (link, message) => this.send(link, message),
      open: (link, peer) => this.#open(link, peer),
      refuse: (link, error) => {
        this.close(link, codeOf(error), error.message, error);
      },
    });
    this.#crowd = new Crowd(context, () => handlers.onRoom());
    this.#succession = new Succession(context, {
      self: () => handlers.self().id,
      linksTo: (peer) => this.#linksTo(peer),
      used: (peer) => this.#primary.get(peer),
      use: (link) => this.#primary.set(link.peer, link),
      retire: (link) => {
        this.#push(link, laneOf("retire"), encodeParts({ type: "retire" }));
      },
      drop: (link) => {
        this.close(link, CloseCode.retired, "another link took over");
      },
    });
  }

  /** How many links the driver still has. */
  get size(): number {
    return this.#links.size;
  }

  /** How many peers can be reached directly. */
  get peerCount(): number {
    return this.#primary.size;
  }

  get peers(): Iterable<Id> {
    return this.#primary.keys();
  }

  /** The link used for each peer. */
  get primaries(): Iterable<Link> {
    return this.#primary.values();
  }

  /** Whether no link has more to send than should wait. */
  get hasRoom(): boolean {
    return this.#crowd.size === 0;
  }

  get queuedBytes(): number {
    let bytes = 0;
    for (const link of this.#links.values()) bytes += link.outbox.bytes;
    return bytes;
  }

  /** The link to send on to `peer`. */
  to(peer: Id): Link | undefined {
    return this.#primary.get(peer);
  }

  /** The link of a number, a closing one included. */
  get(number: LinkNumber): Link | undefined {
    return this.#links.get(number);
  }

  /** A transport is open: the handshake begins. */
  open(
    number: LinkNumber,
    dial: DialNumber | undefined,
    turn: Turn,
  ): Link {
    const link = new Link(number, dial, this.#context.nowMs);
    this.#links.set(number, link);
    this.#greeting++;
    const { handshakesPendingMax } = this.#context.options.limits;
    if (this.#greeting > handshakesPendingMax && dial === undefined) {
      this.close(link, CloseCode.overloaded, "too many handshakes are pending");
      return link;
    }
    const { handshakeMs } = this.#context.options.timings;
    link.deadline = this.#context.timers.at(
      this.#context.nowMs + handshakeMs,
      () => {
        const reason = `no handshake within ${handshakeMs} ms`;
        this.close(link, CloseCode.handshake, reason);
      },
    );
    link.greeting = this.#greeter.begin(link, turn);
    return link;
  }

  /** The driver has computed what a handshake needs. */
  onMacs(number: LinkNumber, macs: Macs): void {
    const greeting = this.#links.get(number)?.greeting;
    if (greeting !== undefined) this.#greeter.onMacs(greeting, macs);
  }

  /** Takes a frame; whatever it holds, only its own link can suffer. */
  onFrame(number: LinkNumber, frame: Bytes): void {
    const link = this.#links.get(number);
    if (link === undefined || link.state === "closing") return;
    this.framesReceived++;
    this.bytesReceived += frame.length;
    link.lastHeardMs = this.#context.nowMs;
    const parts = this.#unpack(link, frame);
    if (parts === undefined) return;
    if (link.state === "open") {
      this.#allowances.take(link, parts.length, frame.length);
    }
    this.#isUrgent = parts.length === 1;
    for (const part of parts) {
      // A message may have been the last: a bye, or a broken one.
      if (this.#isClosing(link)) break;
      const message = this.#decode(link, part);
      if (message !== undefined) this.#onMessage(link, message);
    }
    this.#isUrgent = false;
  }

  /** The driver says that a transport has ended. */
  onClosed(number: LinkNumber, code: number, reason: string): void {
    const link = this.#links.get(number);
    if (link === undefined) return;
    this.#end(link, code, reason, undefined);
    this.#links.delete(number);
  }

  /** Works on a closing link as well: its good-bye has to leave. */
  pull(number: LinkNumber, framing?: Framing): Bytes | undefined {
    const link = this.#links.get(number);
    if (link === undefined) return undefined;
    const frame = link.outbox.pull(framing);
    if (frame === undefined) {
      link.isAnnounced = false;
      return undefined;
    }
    this.framesSent++;
    this.bytesSent += frame.length;
    this.#crowd.update(link);
    return frame;
  }

  /** Queues a message; what one step queues leaves in as few frames as fit. */
  send(link: Link, message: Message): void {
    this.#allowances.answer(link.peer, message);
    this.sendParts(link, laneOf(message.type), encodeParts(message));
  }

  /** Sends what is encoded already, as when many get the same. */
  sendParts(link: Link, lane: Lane, parts: Parts): void {
    // An answer to what came on a retired link goes where all else goes.
    const used = link.isRetired ? this.#primary.get(link.peer) ?? link : link;
    const isFull = used.outbox.bytes + lengthOf(parts) > LINK_QUEUE_BYTES_MAX;
    if (!isFull || this.#context.lacks("queuesAreBounded")) {
      return this.#push(used, lane, parts);
    }
    // Once this step's sender has finished: it may be iterating over links.
    this.#context.timers.at(this.#context.nowMs, () => {
      const reason = "the peer takes too little of what is sent";
      this.close(used, CloseCode.overloaded, reason);
    });
  }

  #push(link: Link, lane: Lane, parts: Parts): void {
    if (link.state === "closing") return;
    link.outbox.push(lane, parts);
    link.lastSentMs = this.#context.nowMs;
    this.#crowd.update(link);
    this.#announce(link);
  }

  /** Ends a link for a reason that the other side is told. */
  close(
    link: Link,
    code: CloseCode,
    reason: string,
    error?: ChordError,
  ): void {
    if (link.state === "closing") return;
    const short = shortReason(reason);
    // A retired link needs no words; the close code says it all.
    if (code !== CloseCode.retired) {
      // Only an orderly end lets out what still waits.
      if (code !== CloseCode.normal) link.outbox.clear();
      link.outbox.finish(encodeParts({ type: "bye", code, reason: short }));
      this.#announce(link);
    }
    this.#context.effect({
      type: "close",
      link: link.number,
      code,
      reason: short,
    });
    this.#end(link, code, short, error);
  }

  /** Says good-bye to everybody. */
  closeAll(reason: string): void {
    for (const link of [...this.#links.values()]) {
      this.close(link, CloseCode.normal, reason);
    }
  }

  /** Once is enough until the driver has pulled all. */
  #announce(link: Link): void {
    if (link.isAnnounced) return;
    link.isAnnounced = true;
    const { number } = link;
    const isUrgent = this.#isUrgent;
    this.#context.effect({ type: "ready", link: number, isUrgent });
  }

  #isClosing(link: Link): boolean {
    return link.state === "closing";
  }

  /** What reading a peer's bytes threw: a mistake in them ends the link. */
  #blame(link: Link, error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error;
    this.close(link, CloseCode.protocol, error.message, error);
  }

  #unpack(link: Link, frame: Bytes): Reader[] | undefined {
    try {
      checkLength(link.greeting, frame);
      return link.inbox.read(frame);
    } catch (error) {
      return void this.#blame(link, error);
    }
  }

  /** Before the handshake the version is looked at first. */
  #decode(link: Link, part: Reader): Message | undefined {
    try {
      if (link.state === "open") return readMessage(part);
      const problem = versionProblem(part.rest);
      if (problem === undefined) return readMessage(part);
      this.close(link, codeOf(problem), problem.message, problem);
    } catch (error) {
      this.#blame(link, error);
    }
    return undefined;
  }

  #onMessage(link: Link, message: Message): void {
    if (message.type === "bye") return this.#onBye(link, message);
    if (link.greeting !== undefined) {
      return this.#greeter.onMessage(link, link.greeting, message);
    }
    if (GREETINGS.has(message.type)) {
      const error = new ProtocolError(
        `Cannot take a message "${message.type}" after the handshake`,
      );
      return this.close(link, CloseCode.protocol, error.message, error);
    }
    if (!this.#allowances.ask(link, message)) {
      const reason = "too many requests wait for answers";
      const error = new OverloadedError(
        `Cannot keep the link to ${link.peer}: ${reason}`,
      );
      return this.close(link, CloseCode.overloaded, reason, error);
    }
    if (message.type === "retire") return this.#succession.onRetire(link);
    this.#handlers.onMessage(message, link);
  }

  /** The handshake is done, and says who is there. */
  #open(link: Link, peer: MemberRecord): void {
    const refusal = this.#handlers.admit(peer);
    if (refusal !== undefined) {
      const { code, reason } = refusal;
      const text = `Cannot link to ${peer.id}: ${reason}`;
      const error = code === CloseCode.overloaded
        ? new OverloadedError(text)
        : new ConnectionError(text);
      return this.close(link, code, reason, error);
    }
    this.#greeting--;
    this.#context.timers.cancel(link.deadline);
    link.greeting = undefined;
    link.state = "open";
    link.peer = peer.id;
    link.openMs = this.#context.nowMs;
    const isFirst = !this.#primary.has(peer.id);
    if (!isFirst) this.#succession.takeOver(link);
    this.#primary.set(peer.id, link);
    this.#handlers.onUp(link, peer, isFirst);
  }

  /** The other side ends the link, and says why; only known codes count. */
  #onBye(link: Link, bye: MessageOf<"bye">): void {
    const reason = shortReason(bye.reason);
    const code = bye.code >= CloseCode.normal && bye.code <= CloseCode.auth
      ? bye.code
      : CloseCode.normal;
    this.#context.effect({ type: "close", link: link.number, code, reason });
    this.#end(link, code, reason, undefined);
  }

  /** From here on the link counts as gone, whatever the driver still does. */
  #end(
    link: Link,
    code: number,
    reason: string,
    error: ChordError | undefined,
  ): void {
    const before = link.state;
    if (before === "closing") return;
    link.state = "closing";
    link.greeting = undefined;
    this.#crowd.drop(link);
    this.#context.timers.cancel(link.deadline);
    if (before === "greeting") {
      this.#greeting--;
      this.#handlers.onFailed(link, error ?? errorOf(code, reason));
      return;
    }
    this.#allowances.end(link, this.#linksTo(link.peer).length === 0);
    if (error !== undefined) {
      this.#handlers.onError(error);
    } else if (code === CloseCode.protocol) {
      this.#handlers.onError(errorOf(code, reason));
    }
    if (this.#primary.get(link.peer) === link) {
      this.#fallBack(link, code, reason);
    }
    // What left on a link that was retired in order is answered on another.
    if (code !== CloseCode.retired) this.#handlers.onBroken(link);
  }

  /** Uses the newest link that is left, or tells that there is none. */
  #fallBack(link: Link, code: number, reason: string): void {
    const others = this.#linksTo(link.peer);
    const next = others.findLast((other) => !other.isRetired);
    if (next !== undefined) {
      this.#primary.set(link.peer, next);
      return;
    }
    this.#primary.delete(link.peer);
    // What is retired may be closing at the other end: not fit for sending.
    for (const other of others) {
      this.close(other, CloseCode.retired, "the other link broke");
    }
    this.#handlers.onDown(link, code, reason);
  }

  /** The open links to a peer, oldest first. */
  #linksTo(peer: Id): Link[] {
    const links: Link[] = [];
    for (const link of this.#links.values()) {
      if (link.peer === peer && link.state === "open") links.push(link);
    }
    return links;
  }
}
