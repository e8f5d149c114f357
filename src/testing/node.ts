/**
 * One process of the simulated world: a machine, its clocks, what its
 * application waits for.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { ChordError } from "../base/errors.ts";
import type { Instant, Machine } from "../base/machine.ts";
import type { NodeOptions } from "../base/options.ts";
import type { Random } from "../base/random.ts";
import type { CopyView, DictStats, RouteStats } from "../dict/dict.ts";
import type { TableListener } from "../dict/table.ts";
import type { DictOperation } from "../dict/operations.ts";
import type { Id } from "../id/id.ts";
import type {
  CallNumber,
  LinkNumber,
  MeshOperation,
  NodeEffect,
  NodeEvent,
} from "../mesh/events.ts";
import type { NodeStats } from "../mesh/node_machine.ts";
import type { Pointers } from "../ring/stabilizer.ts";
import type { MemberRecord } from "../wire/messages.ts";
import type { Endpoint } from "./link.ts";
import type { WallClock } from "./wall_clock.ts";

/** What checkers look at; a hand-made object will do to test a checker. */
export interface MachineView {
  readonly id: Id;
  readonly members: readonly MemberRecord[];
  /** One of the members: what a large ring is not searched for. */
  member?(id: Id): MemberRecord | undefined;
  /** The part of the ring that it knows, if that may not be all. */
  readonly window?: readonly MemberRecord[] | undefined;
  /** So many on each side, on the ring and in the order of the ids, it knows. */
  readonly reach?: number;
  readonly stats: NodeStats;
  /** Its part in the upkeep of the ring, if it has one. */
  readonly pointers: Pointers | undefined;
  readonly dict: {
    readonly isSettled: boolean;
    readonly stats: DictStats;
    /** Of what others handed on to it. */
    readonly routes?: RouteStats;
    copyOf(id: Id): CopyView | undefined;
    copies(): Iterable<CopyView>;
  };
}

/** What the simulator drives: the product's machine, or one with a defect. */
export interface SimulatedMachine
  extends MachineView, Machine<NodeEvent<DictOperation>, NodeEffect> {
  readonly dict: MachineView["dict"] & {
    /** What a node that has everything reads. */
    read(id: Id, wallMs: number): Bytes | undefined;
    /** Has somebody told of each copy that comes, changes or goes. */
    onChange: TableListener;
  };
  pull(link: LinkNumber): Bytes | undefined;
  /** What is known of a node. */
  member(id: Id): MemberRecord | undefined;
}

/** Builds the machine of a process that starts. */
export type CreateMachine = (
  options: NodeOptions,
  random: Random,
  at: Instant,
) => SimulatedMachine;

/** A process that runs, as checkers see it. */
export interface LiveNode {
  readonly name: string;
  readonly machine: MachineView;
}

/** How a call ended; `lost`: the process went away with it. */
export type Outcome =
  | { readonly type: "ok"; readonly value: unknown }
  | { readonly type: "failed"; readonly error: ChordError }
  | { readonly type: "lost" };

/** A call that the application waits for. */
export interface PendingCall {
  readonly operation: MeshOperation | DictOperation;
  readonly startMs: number;
  /** Must not step a machine itself; it may plan something. */
  readonly done: (outcome: Outcome) => void;
}

/** A place where processes run, one after the other, reachable by one url. */
export interface Host {
  readonly name: string;
  readonly index: number;
  /** Empty when it cannot be dialled. */
  readonly url: string;
  /** The process that runs there now. */
  node: SimulatedNode | undefined;
  /** Processes that ran there so far. */
  generations: number;
  /** What runs there, if it is another machine than elsewhere. */
  readonly create?: CreateMachine;
  /** No process, and not even a refusal: power is off. */
  isSilent: boolean;
}

/** One process; gone for good once `isAlive` is false. */
export class SimulatedNode implements LiveNode {
  readonly name: string;
  readonly host: Host;
  readonly machine: SimulatedMachine;
  readonly endpoints: Map<LinkNumber, Endpoint> = new Map();
  readonly calls: Map<CallNumber, PendingCall> = new Map();
  /** What happened to it while it was paused. */
  readonly inbox: (() => void)[] = [];
  readonly clock: WallClock;
  isAlive = true;
  isPaused = false;
  /** When its last pause ended. */
  resumedMs = 0;
  /** Wakes planned for later than this are not in the queue. */
  wakePlannedMs = Infinity;

  constructor(
    host: Host,
    machine: SimulatedMachine,
    clock: WallClock,
  ) {
    this.host = host;
    this.name = host.generations === 1
      ? host.name
      : `${host.name}${host.generations}`;
    this.machine = machine;
    this.clock = clock;
  }
}

const MESH_OPERATIONS: ReadonlySet<string> = new Set<MeshOperation["type"]>([
  "connect",
  "accept",
  "listen",
  "cast",
  "tell",
  "note",
  "close",
]);

/** Whether the mesh itself is asked, and not what works on top of it. */
export function isMeshOperation(
  operation: MeshOperation | DictOperation,
): operation is MeshOperation {
  return MESH_OPERATIONS.has(operation.type);
}
