/**
 * The parts of one node, wired together, and which of them an event or a
 * message is for.
 *
 * @module
 */
import { RECORDS_PER_MESSAGE_MAX } from "../base/limits.ts";
import { jittered } from "../base/random.ts";
import type { Id } from "../id/id.ts";
import { Health, type MemberRecord, type Message } from "../wire/messages.ts";
import { admit } from "./admission.ts";
import { Broadcast } from "./broadcast.ts";
import { Calls } from "./calls.ts";
import { CloseCode } from "./close_codes.ts";
import type { Context } from "./context.ts";
import { Detector } from "./detector.ts";
import { Dialler } from "./dialler.ts";
import type { NodeEvent } from "./events.ts";
import { Gossip, mayHold } from "./gossip.ts";
import { Horizon } from "./horizon.ts";
import type { Link } from "./link.ts";
import { Links } from "./links.ts";
import { MeshPeers } from "./mesh_peers.ts";
import { Notes } from "./notes.ts";
import type { Extension, Peers, RingView } from "./peers.ts";
import { Router } from "./relay.ts";
import { Requests } from "./requests.ts";
import { RingKeeper } from "./ring_keeper.ts";
import { isOfRing } from "./ring_messages.ts";
import { Sends } from "./sends.ts";
import { isPresent, type Source, Table } from "./table.ts";

/** How often what is too old is forgotten. */
const SWEEP_MS = 10_000;

/** All of one node but the seam to its driver. */
export class Mesh<Operation> {
  readonly #context: Context;
  readonly table: Table;
  readonly links: Links;
  readonly horizon: Horizon;
  readonly requests: Requests;
  readonly detector: Detector;
  readonly #router: Router;
  readonly #dialler: Dialler;
  readonly #gossip: Gossip;
  readonly broadcast: Broadcast;
  readonly ringKeeper: RingKeeper;
  readonly sends: Sends;
  readonly notes: Notes;
  readonly #calls: Calls;
  /** What the extension works with. */
  readonly peers: Peers;
  extension: Extension<Operation> | undefined;
  /** The ring that the extension knows of. */
  #ringShown: RingView;
  /** Nodes whose return the extension is to be told. */
  readonly #returned = new Set<Id>();
  /** Whether others are present than the extension knows of. */
  #isPresenceNew = false;
  #isClosed = false;

  constructor(context: Context, self: MemberRecord) {
    this.#context = context;
    this.table = new Table(
      self,
      context.nowMs,
      context.options.timings.tombstoneMs,
      (before, after, source) => this.#onRecord(before, after, source),
      context.options,
      !context.lacks("newerRecordsWin"),
    );
    this.#ringShown = this.table.view;
    this.links = this.#makeLinks();
    this.horizon = new Horizon(context, this.table, this.links, (...what) => {
      this.#gossip.compare(...what);
    });
    this.#dialler = new Dialler(context, this.table, this.links, {
      onDialled: (target, outcome) => this.detector.onDialled(target, outcome),
      onCall: (dial, outcome, peer) =>
        this.#calls.onDialEnd(dial, outcome, peer),
    });
    const demand = (to: Id) => this.#dialler.demand(to);
    this.#router = new Router(context, this.table, this.links, demand);
    this.requests = new Requests(context, this.#router);
    this.detector = new Detector(
      context,
      this.table,
      this.links,
      this.requests,
      this.#dialler,
      {
        announce: (record, isFirst) =>
          this.#gossip[isFirst ? "announce" : "announceLater"](record),
        ask: (record) => this.#gossip.ask(record),
        accuse: (record) => this.#gossip.tell(record.id, [record]),
        marks: () => this.broadcast.recentMarks(),
        digest: () => this.horizon.digest,
        onBeat: () => this.horizon.beat(),
        onSlept: () => this.#returned.add(this.table.self.id),
      },
    );
    this.#gossip = this.#makeGossip();
    this.broadcast = this.#makeBroadcast();
    this.sends = new Sends(context, this.links, this.broadcast);
    this.notes = new Notes(context, this.table, this.links, this.#router, {
      roundTripMs: (id) => this.requests.roundTripMs(id),
      onLetter: (letter, sender) =>
        context.notice({ type: "letter", sender, letter }),
    });
    this.#calls = new Calls(context, this.table, this.links, this.#dialler, {
      note: (call, to, letter, timeoutMs) =>
        this.notes.begin(call, to, letter, timeoutMs),
      send: (call, letter, isToAll) => this.sends.begin(call, letter, isToAll),
      close: () => this.#close(),
    });
    const parts = {
      table: this.table,
      horizon: this.horizon,
      links: this.links,
      router: this.#router,
      requests: this.requests,
      gossip: this.#gossip,
      broadcast: this.broadcast,
    };
    this.ringKeeper = new RingKeeper(context, parts);
    this.peers = new MeshPeers(context, parts);
    this.#planSweep();
  }

  #makeLinks(): Links {
    return new Links(this.#context, {
      self: () => this.table.self,
      admit: (record) => admit(this.#context, this.table, record),
      onUp: (link, record, isFirst) => this.#onUp(link, record, isFirst),
      onDown: (link, code, reason) => this.#onDown(link, code, reason),
      onBroken: (link) => {
        this.requests.onLinkEnd(link);
        this.notes.onBroken(link);
      },
      onRoom: () => this.sends.flush(),
      onFailed: (link, error) => this.#calls.onLinkFailed(link, error),
      onError: (error) => this.#context.notice({ type: "error", error }),
      onMessage: (message, link) => this.#onLinkMessage(message, link),
    });
  }

  #makeGossip(): Gossip {
    return new Gossip(
      this.#context,
      this.table,
      this.links,
      this.#router,
      (id) => this.#fitness(id),
      {
        digest: () => this.horizon.digest,
        onDigest: (link, digest) => this.horizon.onDigest(link, digest),
        onAccused: (health) => {
          this.detector.onRefuted();
          if (health >= Health.dead) this.#returned.add(this.table.self.id);
        },
        onSuspicionHeard: (record) => this.detector.onSuspicionHeard(record),
        isAwaited: (peer) => this.#calls.isAcquainting(peer),
      },
    );
  }

  #makeBroadcast(): Broadcast {
    return new Broadcast(
      this.#context,
      this.table,
      this.links,
      this.#router,
      (id) => this.#fitness(id),
      {
        onEvents: (payload, origin) => this.extension?.onCast(payload, origin),
      },
    );
  }

  // What the machine hands in.

  onEvent(event: NodeEvent<Operation>): void {
    if (this.#isClosed) return this.#onEventClosed(event);
    switch (event.type) {
      case "wake":
        return;
      case "opened":
        return this.#calls.onOpened(
          event.link,
          event.dial,
          event.isAttached === true,
        );
      case "macs":
        return this.links.onMacs(event.link, event.macs);
      case "frame":
        return this.links.onFrame(event.link, event.frame);
      case "closed":
        return this.links.onClosed(event.link, event.code, event.reason);
      case "dialFailed":
        return this.#calls.onDialFailed(event.dial, event.reason);
      case "call":
        return this.#calls.onCall(event.call, event.operation);
      case "ask":
        return this.extension?.onCall(event.call, event.operation);
      case "cancel":
        this.#calls.onCancel(event.call);
        this.notes.onCancel(event.call);
        return this.extension?.onCancel(event.call);
    }
  }

  /**
   * Tells the extension what has become of the ring, and plans the dials that
   * follow. Never in the middle of a message: the extension may change the ring
   * itself.
   *
   * @returns whether there was anything to tell
   */
  settle(): boolean {
    if (this.#isClosed) return false;
    this.horizon.refresh();
    this.#dialler.refresh();
    this.ringKeeper.refresh();
    const before = this.#ringShown;
    const after = this.table.view;
    this.#ringShown = after;
    const isOther = before.hash !== after.hash;
    if (isOther) this.extension?.onRing(before, after);
    if (this.#isPresenceNew) {
      this.#isPresenceNew = false;
      this.extension?.onPresence();
    }
    if (this.#returned.size === 0) return isOther;
    const returned = [...this.#returned];
    this.#returned.clear();
    for (const id of returned) this.extension?.onReturn(id);
    return true;
  }

  #onEventClosed(event: NodeEvent<Operation>): void {
    switch (event.type) {
      case "opened":
        // A dial that was under way when the node was closed.
        return this.#context.effect({
          type: "close",
          link: event.link,
          code: CloseCode.normal,
          reason: "the node is closed",
        });
      case "closed":
        return this.links.onClosed(event.link, event.code, event.reason);
      case "call":
      case "ask":
        return this.#calls.refuseClosed(event.call);
    }
  }

  /** What means something between the two ends of a link only. */
  #onLinkMessage(message: Message, link: Link): void {
    switch (message.type) {
      case "heartbeat":
        this.broadcast.onMarks(message.marks, link);
        if (this.#gossip.onDigest(link, message.table)) {
          this.#calls.onAcquainted(link.peer);
        }
        break;
      case "probe":
        this.detector.onProbe(message, link);
        break;
      case "gossip":
        this.#gossip.onGossip(message, link);
        break;
      case "announce":
        this.#gossip.onAnnounce(message.record, link);
        // What waits for the ring acts on it before it says so.
        this.settle();
        this.links.send(link, {
          type: "announced",
          request: message.request,
          joining: this.table.joiningNear(message.record)
            .slice(0, RECORDS_PER_MESSAGE_MAX),
        });
        break;
      case "tableAsk":
      case "tableParts":
        this.#gossip.onTableAsk(message, link);
        break;
      case "table":
        this.#gossip.onTable(message, link);
        this.#calls.onAcquainted(link.peer);
        break;
      case "relay": {
        const inner = this.#router.onRelay(message, link);
        if (inner?.type === "note") {
          this.notes.onNote(inner, message.from, link);
        } else if (inner !== undefined) this.#onRelayed(inner, message.from);
        break;
      }
      case "note":
        this.notes.onNote(message, link.peer, link);
        break;
      case "castAsk":
        this.broadcast.onAsk(message, link);
        break;
      default:
        this.#onMessage(message, link.peer);
    }
    this.settle();
  }

  /** What may come through others as well as directly. */
  #onMessage(message: Message, from: Id): void {
    if (Requests.isAnswer(message.type)) {
      return this.requests.onAnswer(message, from);
    }
    if (isOfRing(message)) return this.ringKeeper.onMessage(message, from);
    switch (message.type) {
      case "ping":
        return void this.#router.send(from, {
          type: "pong",
          request: message.request,
        });
      case "cast":
        return this.broadcast.onCast(message, from);
      case "castGone":
        return this.broadcast.onGone(message, from);
      case "noted":
        return this.notes.onNoted(message, from);
      default:
        this.extension?.onMessage(message, from);
    }
  }

  /** Through others come operations, and what spreads where no link is. */
  #onRelayed(message: Message, from: Id): void {
    if (message.type !== "gossip") return this.#onMessage(message, from);
    this.#gossip.onGossip(message, undefined);
  }

  /** The order matters: a mark tells the peer where broadcasts begin. */
  #onUp(link: Link, record: MemberRecord, isFirst: boolean): void {
    const { peer } = link;
    const isOnly = this.links.peerCount === 1;
    for (const marks of this.broadcast.linkMarks()) {
      const table = this.horizon.digest;
      this.links.send(link, { type: "heartbeat", table, marks });
    }
    if (isFirst) {
      this.#context.notice({ type: "peer", peer, first: isOnly });
    }
    const known = this.table.get(peer)!;
    // It has to know what is said of it, to refute it.
    if (
      known.health !== Health.alive || known.incarnation > record.incarnation
    ) {
      this.#gossip.tell(peer, [known]);
    }
    this.#calls.onLinkUp(link);
    this.#dialler.onUp(link);
    this.notes.onUp(link);
    // Whoever comes first has nobody else who would tell of it.
    if (isOnly) this.#gossip.announce(this.table.self);
    this.settle();
  }

  #onDown(link: Link, code: number, reason: string): void {
    const { peer } = link;
    this.#calls.onAcquainted(peer);
    this.#context.notice({ type: "disconnect", peer, code, reason });
    if (this.#isClosed) return;
    const mayDial = this.#dialler.onDown(link, code);
    // A good-bye is no sign of death; what comes without one may be.
    if (code !== CloseCode.normal) this.detector.onLinkLost(peer, mayDial);
  }

  /** Called from within the table, which must not be changed again here. */
  #onRecord(
    before: MemberRecord | undefined,
    after: MemberRecord,
    source: Source,
  ): void {
    if (source === "self") {
      this.#gossip.announce(after);
      return;
    }
    // Who has no link yet has nobody to tell, and the others know each other.
    if (source === "hello" && this.links.peerCount > 0) {
      this.#gossip.announceLater(after);
    }
    this.#gossip.onChange(before, after, source);
    if (!isPresent(after)) {
      this.requests.forget(after.id);
      this.notes.onGone(after.id);
    }
    // One that is dead may turn out to have left.
    this.#isPresenceNew ||= after.health !== before?.health;
    this.#dialler.onRecord(before, after, source);
    this.detector.onRecord(before, after);
    const wasAway = before === undefined
      // Two rings of one subnet have met: this one never saw it join.
      // Where not all are known, many are new only to this node.
      ? mayHold(this.table.self) && !this.table.isPartial
      : !isPresent(before);
    if (isPresent(after) && wasAway && mayHold(after)) {
      this.#returned.add(after.id);
    }
  }

  /**
   * A suspect may be a dead end, a crowded link takes no more, and a node that
   * cannot be dialled has no links to others of its kind.
   */
  #fitness(id: Id): "good" | "poor" | "none" {
    const link = this.links.to(id);
    if (link === undefined) return "none";
    const record = this.table.get(id);
    const isFit = record?.health === Health.alive && record.url !== "";
    return isFit && !link.isCrowded ? "good" : "poor";
  }

  #planSweep(): void {
    const { options, random, timers } = this.#context;
    const afterMs = jittered(random, SWEEP_MS, 0.25);
    timers.at(this.#context.nowMs + afterMs, () => {
      this.broadcast.expire();
      this.table.forget(this.#context.nowMs - options.timings.forgetMs);
      this.#planSweep();
    });
  }

  /** Tells everybody, ends every link, and forgets every deadline. */
  #close(): void {
    this.extension?.onClose();
    this.sends.close();
    this.notes.close();
    const { nowMs } = this.#context;
    const self = this.table.setSelf({ health: Health.left }, nowMs);
    for (const peer of [...this.links.peers]) this.#gossip.tell(peer, [self]);
    this.#isClosed = true;
    this.links.closeAll("the node is closing");
    this.#context.timers.clear();
  }
}
