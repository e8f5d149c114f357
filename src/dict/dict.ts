/**
 * The dict as an extension of the mesh: routes calls and messages to its parts.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { ClosedError } from "../base/errors.ts";
import { type Id, ZERO_ID } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { CallNumber } from "../mesh/events.ts";
import type { Extension, Peers, RingView } from "../mesh/peers.ts";
import { memberIndex, newcomers } from "../mesh/ring_view.ts";
import {
  type EntryRecord,
  type Message,
  type MessageOf,
  Standing,
  type Terms,
  type Version,
} from "../wire/messages.ts";
import { Announcer } from "./announcer.ts";
import { Coordinator } from "./coordinator.ts";
import { confirmHere, digestHere, pageOf, pullHere } from "./donor.ts";
import type { Entry } from "./entry.ts";
import { Exclusive } from "./exclusive.ts";
import { endOf } from "./expiry.ts";
import { farKeep } from "./far_calls.ts";
import { NewMembers } from "./new_members.ts";
import type { DictOperation } from "./operations.ts";
import { Repair } from "./repair.ts";
import { Replica } from "./replica.ts";
import { Residence } from "./residence.ts";
import { Sessions } from "./sessions.ts";
import { countHere, scanHere } from "./scan.ts";
import { Sweep } from "./sweep.ts";
import { type Arc, arcHas, type TableListener } from "./table.ts";
import { Watched } from "./watched.ts";
import { Watches } from "./watches.ts";

/** Changes this young are told again when their first holder has died. */
const RETOLD_MS = 60_000;

const EVERYTHING: Arc = { after: ZERO_ID, through: ZERO_ID };
/** What a node says to itself is heard after this long. */
const OWN_MS = 1;

/** What a checker wants to know of one copy. */
export interface CopyView {
  readonly key: Bytes;
  readonly value: Bytes | undefined;
  readonly version: Version;
  readonly terms: Terms | undefined;
}

/** Numbers that show how the dict's part of a node is doing. */
export interface DictStats {
  /** Copies held, tombstones not counted. */
  readonly entries: number;
  readonly tombstones: number;
  /** Keys and values of the copies held. */
  readonly bytes: number;
  readonly callsWaiting: number;
}

/** Numbers of what is handed on through a node, or done there for others. */
export interface RouteStats {
  /** The most hops of what came to this node. */
  readonly hopsMost: number;
  /** How often this node handed on what it was nearer to itself. */
  readonly stepsBack: number;
  /** Operations on their way, those of its own application included. */
  readonly waiting: number;
}

/** The dict's part of a node. */
export class Dict implements Extension<DictOperation> {
  readonly #context: Context;
  readonly #peers: Peers;
  readonly #announcer: Announcer;
  readonly #replica: Replica;
  readonly #exclusive: Exclusive;
  readonly #repair: Repair;
  readonly #sweep: Sweep;
  readonly #residence: Residence;
  readonly #coordinator: Coordinator;
  readonly #sessions: Sessions;
  readonly #watches: Watches;
  readonly #watched: Watched;
  /** Members that others may not know yet, until when; the oldest first. */
  readonly #newMembers: NewMembers;
  #listener: TableListener = () => {};
  #membersListener: () => void = () => {};

  constructor(context: Context, peers: Peers) {
    this.#context = context;
    this.#peers = peers;
    this.#newMembers = new NewMembers(context, peers);
    this.#announcer = new Announcer(context, peers);
    this.#replica = new Replica(
      context,
      peers,
      (entry, before) => this.#onStored(entry, before),
    );
    this.#exclusive = new Exclusive(context, peers, this.#replica);
    this.#coordinator = new Coordinator({
      context,
      peers,
      replica: this.#replica,
      exclusive: this.#exclusive,
    });
    this.#repair = new Repair(context, peers, this.#replica);
    const { routing } = this.#coordinator;
    const handOn = farKeep(routing);
    this.#sweep = new Sweep(context, peers, this.#replica, handOn);
    this.#residence = new Residence({
      context,
      peers,
      replica: this.#replica,
      repair: this.#repair,
      sweep: this.#sweep,
      locate: (place, timeoutMs, done) =>
        routing.locate(place, timeoutMs, done),
    });
    this.#sessions = new Sessions({
      context,
      peers,
      share: this.#replica.share,
      table: this.#replica.stored,
      remove: (key, version, done) =>
        this.#exclusive.remove(key, version, done),
    });
    const tell = (to: Id, message: Message) => this.#tell(to, message);
    this.#watches = new Watches(context, peers, tell, routing);
    this.#watched = new Watched(context, peers, this.#replica, tell);
    this.#replica.onCopy = (id, entry) => {
      this.#sessions.note(id, entry);
      this.#watched.onChange(id, entry);
      this.#listener(id, entry);
    };
    this.#replica.onForeign = () => this.#sweep.request();
    this.#repair.onProgress = () => this.#residence.progress();
    this.#sweep.onSwept = () => this.#residence.progress();
    this.#scheduleExpiry();
  }

  /** Whether every local range has its copies: what `settled()` waits for. */
  get isSettled(): boolean {
    return this.#residence.isSettled;
  }

  get stats(): DictStats {
    const { live, tombstones, bytes } = this.#replica.stored;
    const callsWaiting = this.#coordinator.waiting + this.#residence.waiting +
      this.#exclusive.waiting + this.#watches.waiting;
    return { entries: live, tombstones, bytes, callsWaiting };
  }

  /** Of what others handed on to this node: a loop would show here. */
  get routes(): RouteStats {
    const { hopsMost, stepsBack, size } = this.#coordinator.routing;
    return { hopsMost, stepsBack, waiting: size };
  }

  /** The copy of a key that is held here, if any. */
  copyOf(id: Id): CopyView | undefined {
    return this.#replica.stored.get(id);
  }

  /** All copies that are held here, tombstones included. */
  copies(): Iterable<CopyView> {
    return this.#replica.stored.range(EVERYTHING);
  }

  /** The value of a key that is held here, if its time is not over by then. */
  read(id: Id, wallMs: number): Bytes | undefined {
    const entry = this.#replica.stored.get(id);
    return entry && endOf(entry) > wallMs ? entry.value : undefined;
  }

  /** The copies held here that have a value then. */
  *live(wallMs: number): Generator<EntryRecord, void, void> {
    for (const entry of this.#replica.stored.range(EVERYTHING)) {
      if (entry.isLive && endOf(entry) > wallMs) yield entry;
    }
  }

  /** How many they are. */
  sizeAt(wallMs: number): number {
    const { stored, nextEndMs } = this.#replica;
    if (nextEndMs > wallMs) return stored.live;
    let count = 0;
    for (const _ of this.live(wallMs)) count++;
    return count;
  }

  /** Has `listener` told of each copy that comes, changes or goes. */
  set onChange(listener: TableListener) {
    this.#listener = listener;
  }

  /** Has `listener` told when members come, go, or change their role. */
  set onMembers(listener: () => void) {
    this.#membersListener = listener;
  }

  onCall(call: CallNumber, operation: DictOperation): void {
    const { timeoutMs } = operation;
    switch (operation.type) {
      case "join":
        return this.#residence.join(call, timeoutMs, operation.position);
      case "leave":
        return this.#residence.leave(call, timeoutMs);
      case "settled":
        this.#residence.takePart();
        return this.#residence.settled(call, timeoutMs);
      case "restore":
        for (const entry of operation.entries) this.#replica.take(entry);
        return this.#context.result(call, undefined);
      case "watch":
        this.#residence.takePart();
        return this.#watches.start(call, operation);
      case "unwatch":
        this.#watches.stop(operation.watch);
        return this.#context.result(call, undefined);
      case "taken":
        this.#watches.taken(operation.watch);
        return this.#context.result(call, undefined);
      default:
        this.#residence.takePart();
        return this.#coordinator.start(call, operation);
    }
  }

  onCancel(call: CallNumber): void {
    this.#residence.cancel(call);
    this.#coordinator.cancel(call);
    this.#watches.cancel(call);
  }

  onClose(): void {
    const error = new ClosedError(
      "Cannot finish the operation: the socket was closed",
      "maybe",
    );
    this.#coordinator.close(error);
    this.#residence.close(error);
    this.#watches.close(error);
    this.#repair.stop();
    this.#sweep.stop();
  }

  onRing(before: RingView, after: RingView): void {
    const { nowMs, options } = this.#context;
    this.#replica.share.update(nowMs, options.timings.dropAfterMs);
    const { members, joining } = newcomers(before, after);
    this.#newMembers.note([...members, ...joining]);
    // Who was not seen catching up may bring what nobody here has.
    const strangers = this.#newMembers.strangersOf(
      members,
      this.#replica.share,
    );
    if (strangers.length > 0) this.#replica.share.doubt(strangers);
    this.#retell(before);
    this.#repair.replan();
    // First of all this node's own role: writes count on the ring with it.
    this.#residence.progress();
    this.#coordinator.replan();
    this.#exclusive.replan();
    this.#sweep.request();
    this.#sessions.check();
    this.#watched.onRing();
    this.#watches.onRing();
    this.#membersListener();
  }

  onPresence(): void {
    this.#sessions.check();
    // Who was suspected, and not asked, may be asked again.
    this.#repair.pump();
  }

  onReturn(id: Id): void {
    this.#replica.share.doubt([id]);
    if (id === this.#peers.self.id) this.#exclusive.wasAway();
    this.#repair.pump();
    this.#residence.progress();
  }

  onCast(payload: Bytes, _origin: Id): void {
    this.#announcer.receive(payload);
  }

  onMessage(message: Message, from: Id): void {
    const { table } = this.#replica;
    switch (message.type) {
      case "put":
        return this.#replica.onceFree(
          message.entry.key,
          () => this.#onPut(message, from),
        );
      case "get":
        return this.#onGet(message, from);
      case "exec":
        return this.#exclusive.run(message, (result) =>
          this.#peers.send(from, {
            type: "execAnswer",
            request: message.request,
            ...result,
          }));
      case "count":
        return this.#onCount(message, from);
      case "scan": {
        const page = scanHere(this.#replica, message);
        const { request } = message;
        return this.#peers.send(from, { type: "scanAnswer", request, ...page });
      }
      case "digest":
        return this.#peers.send(from, digestHere(this.#replica, message));
      case "pull":
        return this.#peers.send(from, pullHere(table, message, ZERO_ID));
      case "pullRange": {
        const isTiny = this.#context.isUnlucky("tinyPage");
        const page = pageOf(table, message, isTiny ? 1 : undefined);
        const { request } = message;
        return this.#peers.send(from, { type: "pulled", request, ...page });
      }
      case "push":
        for (const entry of message.entries) this.#replica.take(entry);
        return this.#peers.send(from, {
          type: "pushed",
          request: message.request,
        });
      case "confirm":
        return this.#peers.send(
          from,
          confirmHere(this.#replica, message, this.#context),
        );
      case "watch":
        return this.#watched.onWatch(message, from);
      case "watchAck":
        return this.#watched.onAck(message, from);
      case "unwatch":
        return this.#watched.onUnwatch(message.feed, from);
      case "route":
        return this.#coordinator.routing.onRoute(message, from);
      case "routing":
        return this.#coordinator.routing.onRouting(message, from);
      default:
        return this.#watches.onMessage(message, from);
    }
  }

  /**
   * The first holder tells everybody; where everybody holds everything each
   * node sees by itself, and tells its own application of the values, too.
   */
  #onStored(entry: Entry, before: Entry | undefined): void {
    const { share } = this.#replica;
    const isThere = entry.isLive;
    const wasThere = before?.isLive === true;
    if (share.isWhole) {
      if (!isThere && !wasThere) return;
      this.#context.notice({ type: "stored", entry });
    } else if (isThere !== wasThere && share.isFirst(entry.id)) {
      this.#announcer.announce(entry);
    }
  }

  /** Sends to a node, which may be this one. */
  #tell(to: Id, message: Message): void {
    const { self } = this.#peers;
    if (to !== self.id) return this.#peers.send(to, message);
    const { timers, nowMs } = this.#context;
    timers.at(nowMs + OWN_MS, () => this.onMessage(message, self.id));
  }

  #onPut(
    { request, view, entry, operation }: MessageOf<"put">,
    from: Id,
  ): void {
    const { status, version, before } = this.#replica.put(entry);
    if (operation !== undefined) {
      this.#exclusive.learn(operation, entry, before);
    }
    if (view !== this.#peers.ring.hash) this.#newMembers.forward(entry, from);
    this.#peers.send(from, { type: "putAnswer", request, status, version });
  }

  #onGet({ request, id }: MessageOf<"get">, from: Id): void {
    const entry = this.#replica.table.get(id);
    this.#peers.send(from, {
      type: "getAnswer",
      request,
      standing: this.#context.lacks("activeOnceReady")
        ? Standing.ready
        : this.#replica.share.standingFor(id),
      version: entry?.version,
      value: entry?.value,
      terms: entry?.terms,
    });
  }

  #onCount({ request, view }: MessageOf<"count">, from: Id): void {
    const { ring, self } = this.#peers;
    const count = view === ring.hash
      ? countHere(this.#replica, self.id)
      : undefined;
    if (view !== ring.hash) this.#peers.compareTables(from);
    this.#peers.send(from, {
      type: "countAnswer",
      request,
      ready: count !== undefined,
      count: count ?? 0,
    });
  }

  /** Became first holder where another was: did that one tell all it knew? */
  #retell(before: RingView): void {
    const { self } = this.#peers;
    const { nowMs } = this.#context;
    const own = this.#replica.share.portions[0]?.segment;
    if (this.#replica.share.isWhole) return;
    if (own === undefined || own.holders[0] !== self.id) return;
    if (this.#replica.table.size === 0) return;
    const was = memberIndex(before.members, self);
    const count = before.members.length;
    const start = before.members[(was + count - 1) % count]?.position;
    // Only a first arc that has grown has keys that were another one's.
    if (was < 0 || start === undefined || start === own.after) return;
    if (!arcHas(own, start)) return;
    for (const entry of this.#replica.table.range({ ...own, through: start })) {
      if (entry.changedAtMs > nowMs - RETOLD_MS) {
        this.#announcer.announce(entry);
      }
    }
  }

  /** Drops tombstones that everybody has had time to hear of. */
  #scheduleExpiry(): void {
    const { timers, nowMs, options } = this.#context;
    timers.at(nowMs + options.timings.tombstoneMs / 24, () => {
      const { table } = this.#replica;
      for (const entry of table.range(EVERYTHING)) {
        if (this.#replica.isOutdated(entry)) table.delete(entry.id);
      }
      this.#scheduleExpiry();
    });
  }
}
