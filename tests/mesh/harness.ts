/**
 * A small deterministic network for tests of the mesh: virtual time, links that
 * keep their order, delays, cuts, crashes and pauses.
 *
 * @module
 */
import { type Bytes, utf8 } from "../../src/base/bytes.ts";
import {
  LEASE_MS,
  LIMITS,
  SUCCESSORS,
  TIMINGS,
} from "../../src/base/options.ts";
import { Timers } from "../../src/base/timers.ts";
import type {
  CallNumber,
  LinkNumber,
  MeshOperation,
  NodeEvent,
} from "../../src/mesh/events.ts";
import { Inbox } from "../../src/mesh/framer.ts";
import { hmac } from "../../src/testing/hmac.ts";
import { decode } from "../../src/wire/codec.ts";
import { type End, Station, type StationOptions } from "./station.ts";

export { type Ending, Station } from "./station.ts";

/** The network. */
export class Network {
  nowMs = 0;
  readonly stations: Station[] = [];
  /** One way, in ms. */
  delayMs = 1;
  /** How long a MAC takes to compute, and what it is. */
  macMs = 0.1;
  macOf: (secret: Bytes, text: Bytes) => Bytes = hmac;
  /** A transport takes one frame in this time; 0: all at once. */
  frameMs = 0;
  /** Whether frames and dials between two nodes vanish. */
  isCut: (a: Station, b: Station) => boolean = () => false;
  /** Decoded messages that were delivered, by type. */
  readonly counts = new Map<string, number>();
  framesDelivered = 0;
  bytesDelivered = 0;
  onFrame: (from: Station, to: Station, frame: Bytes) => void = () => {};
  /** Is told what a node sends on a `raw` connection. */
  onRaw: (link: LinkNumber, frame: Bytes) => void = () => {};
  readonly #timers = new Timers();
  #links = 0;
  #calls = 0;
  readonly #seed: number;

  constructor(seed = 1) {
    this.#seed = seed;
  }

  add(name: string, options: StationOptions = {}): Station {
    const url = options.isLeaf ? "" : `ws://${name}/`;
    const { secrets = [] } = options;
    const seed = this.#seed * 1_000 + this.stations.length;
    const station = new Station(
      name,
      url,
      {
        subnet: options.subnet ?? "test",
        url,
        replicas: 3,
        dialect: "",
        leasing: false,
        leaseMs: LEASE_MS,
        isSecured: secrets.length > 0,
        linksMax: options.linksMax ?? 256,
        successors: options.successors ?? SUCCESSORS,
        fullTableMax: options.fullTableMax ?? 4096,
        limits: { ...LIMITS, ...options.limits },
        timings: TIMINGS,
      },
      seed,
      secrets.map(utf8),
    );
    this.stations.push(station);
    // Machines count their deadlines from when they were made, here 0.
    this.#step(station, { type: "wake" });
    return station;
  }

  /** `count` nodes that all know each other. */
  mesh(count: number): Station[] {
    const stations = Array.from({ length: count }, (_, i) => this.add(`n${i}`));
    for (const station of stations.slice(1)) {
      this.connect(station, stations[0]!);
    }
    this.until(() => this.isFull(stations), 20_000);
    return stations;
  }

  /** Whether each of these nodes has a link to each other one. */
  isFull(stations: readonly Station[]): boolean {
    return stations.every(({ machine }) =>
      machine.linked.length === stations.length - 1
    );
  }

  call(station: Station, operation: MeshOperation): CallNumber {
    const call = ++this.#calls;
    this.#step(station, { type: "call", call, operation });
    return call;
  }

  connect(from: Station, to: Station, timeoutMs = 5_000): CallNumber {
    return this.call(from, {
      type: "connect",
      url: `ws://${to.name}/`,
      timeoutMs,
    });
  }

  /** Runs something that uses a node's `peers`, inside a step of it. */
  inside(station: Station, run: () => void): void {
    this.#step(station, { type: "wake" }); // Tells the machine the time.
    run();
    this.#step(station, { type: "wake" });
  }

  event(station: Station, event: NodeEvent): void {
    this.#step(station, event);
  }

  /** A connection whose far end the test plays itself. */
  raw(station: Station, isAttached = false): LinkNumber {
    const link = ++this.#links;
    const end = this.#end(station, link);
    station.ends.set(link, end);
    this.#step(station, { type: "opened", link, dial: undefined, isAttached });
    return link;
  }

  /** Joins two nodes by a connection that neither has dialled. */
  attach(a: Station, b: Station): void {
    const [near, far] = this.#pair(a, b);
    for (const { node, link } of [near, far]) {
      const opened = { type: "opened", link, isAttached: true } as const;
      this.#step(node, { ...opened, dial: undefined });
    }
  }

  /** Runs until `done`, and says how long that took. */
  until(done: () => boolean, withinMs: number): number {
    const startMs = this.nowMs;
    const endMs = startMs + withinMs;
    while (!done()) {
      if (this.#timers.nextMs > endMs) {
        throw new Error(`Not done within ${withinMs} virtual ms`);
      }
      this.#turn();
    }
    return this.nowMs - startMs;
  }

  run(forMs: number): void {
    const endMs = this.nowMs + forMs;
    while (this.#timers.nextMs <= endMs) this.#turn();
    this.nowMs = endMs;
  }

  /** The process ends: its connections break, its port refuses. */
  crash(station: Station): void {
    station.isCrashed = true;
    this.#timers.cancel(station.timer);
    for (const end of [...station.ends.values()]) this.#break(end);
  }

  /** The machine stops without a word: nothing comes, nothing is refused. */
  vanish(station: Station): void {
    station.isCrashed = true;
    this.#timers.cancel(station.timer);
    const before = this.isCut;
    this.isCut = (a, b) => a === station || b === station || before(a, b);
  }

  /** Everything that happens to the node waits. */
  pause(station: Station, forMs: number): void {
    station.pausedUntilMs = this.nowMs + forMs;
    this.#arm(station);
  }

  /** Breaks all connections between two nodes; they may dial again. */
  sever(a: Station, b: Station): void {
    for (const end of [...a.ends.values()]) {
      if (end.other?.node === b) this.#break(end);
    }
  }

  count(type: string): number {
    return this.counts.get(type) ?? 0;
  }

  #turn(): void {
    this.nowMs = Math.max(this.nowMs, this.#timers.nextMs);
    this.#timers.run(this.nowMs);
  }

  #end(node: Station, link: LinkNumber): End {
    return {
      node,
      link,
      other: undefined,
      busyUntilMs: 0,
      isOpen: true,
      isPumping: false,
      isPaused: false,
      unread: [],
      inbox: new Inbox(),
    };
  }

  #pair(a: Station, b: Station): [End, End] {
    const near = this.#end(a, ++this.#links);
    const far = this.#end(b, ++this.#links);
    near.other = far;
    far.other = near;
    a.ends.set(near.link, near);
    b.ends.set(far.link, far);
    return [near, far];
  }

  #break(end: End): void {
    const { other } = end;
    this.#finish(end, 1006, "broken");
    if (other !== undefined) {
      this.#later(other, () => this.#finish(other, 1006, "broken"));
    }
  }

  #finish(end: End, code: number, reason: string): void {
    if (!end.isOpen) return;
    end.isOpen = false;
    end.node.ends.delete(end.link);
    this.#step(end.node, { type: "closed", link: end.link, code, reason });
  }

  /** Runs something at an end after the delay, in the order of the link. */
  #later(end: End, run: () => void): void {
    end.busyUntilMs = Math.max(end.busyUntilMs, this.nowMs + this.delayMs);
    this.#timers.at(end.busyUntilMs, () => {
      if (end.isPaused || end.unread.length > 0) end.unread.push(run);
      else run();
    });
  }

  #resume(end: End | undefined): void {
    if (end === undefined) return;
    end.isPaused = false;
    this.#timers.at(this.nowMs, () => {
      while (!end.isPaused && end.unread.length > 0) end.unread.shift()!();
    });
  }

  #step(station: Station, event: NodeEvent): void {
    if (station.isCrashed) return;
    if (this.nowMs < station.pausedUntilMs) {
      this.#timers.at(station.pausedUntilMs, () => this.#step(station, event));
      return;
    }
    const at = { nowMs: this.nowMs, wallMs: this.nowMs };
    const ready: LinkNumber[] = [];
    for (const effect of station.machine.step(event, at)) {
      switch (effect.type) {
        case "ready":
          ready.push(effect.link);
          break;
        case "dial":
          this.#dial(station, effect.dial, effect.url);
          break;
        case "pause":
          station.ends.get(effect.link)!.isPaused = true;
          break;
        case "resume":
          this.#resume(station.ends.get(effect.link));
          break;
        case "mac": {
          const { link, texts } = effect;
          const macs = texts.map((text) =>
            station.secrets.map((secret) => this.macOf(secret, text))
          );
          this.#timers.at(this.nowMs + this.macMs, () => {
            this.#step(station, { type: "macs", link, macs });
          });
          break;
        }
        case "close":
          for (const link of ready.splice(0)) this.#pump(station, link);
          this.#close(station, effect.link, effect.code, effect.reason);
          break;
        case "result":
          station.endings.set(effect.call, { value: effect.value });
          break;
        case "failure":
          station.endings.set(effect.call, { error: effect.error });
          break;
        case "notice":
          station.notices.push(effect.notice);
      }
    }
    for (const link of ready) this.#pump(station, link);
    this.#arm(station);
  }

  #arm(station: Station): void {
    const { wakeAtMs } = station.machine;
    const atMs = Math.max(wakeAtMs, station.pausedUntilMs);
    if (station.timer?.run !== undefined && station.timer.atMs === atMs) return;
    this.#timers.cancel(station.timer);
    if (wakeAtMs === Infinity) return;
    station.timer = this.#timers.at(
      atMs,
      () => this.#step(station, { type: "wake" }),
    );
  }

  #pump(station: Station, link: LinkNumber): void {
    const end = station.ends.get(link);
    if (end?.isPumping) return;
    for (;;) {
      const frame = station.machine.pull(link);
      this.#arm(station); // Room in a lane may be what something waits for.
      if (frame === undefined) return;
      if (this.frameMs > 0 && end !== undefined) {
        end.isPumping = true;
        this.#timers.at(this.nowMs + this.frameMs, () => {
          end.isPumping = false;
          this.#pump(station, link);
        });
      }
      const { other } = end ?? {};
      if (other === undefined) this.onRaw(link, frame);
      else if (!this.isCut(station, other.node)) {
        this.#later(other, () => this.#deliver(station, other, frame));
      }
      if (end?.isPumping) return;
    }
  }

  #deliver(from: Station, end: End, frame: Bytes): void {
    if (!end.isOpen) return;
    this.onFrame(from, end.node, frame);
    this.framesDelivered++;
    this.bytesDelivered += frame.length;
    for (const bytes of end.inbox.take(frame)) {
      const { type } = decode(bytes);
      this.counts.set(type, this.count(type) + 1);
    }
    this.#step(end.node, { type: "frame", link: end.link, frame });
  }

  #close(
    station: Station,
    link: LinkNumber,
    code: number,
    reason: string,
  ): void {
    const end = station.ends.get(link);
    if (end === undefined) return;
    const { other } = end;
    // The driver reports the end of what it was told to end.
    this.#timers.at(this.nowMs, () => this.#finish(end, code, reason));
    if (other === undefined || this.isCut(station, other.node)) return;
    this.#later(other, () => this.#finish(other, code, reason));
  }

  #dial(from: Station, dial: number, url: string): void {
    const to = this.stations.find((station) =>
      !station.isCrashed && station.url === url
    );
    const isSilent = this.stations.some((station) =>
      station.url === url && this.isCut(from, station)
    );
    if (isSilent) return;
    this.#timers.at(this.nowMs + 2 * this.delayMs, () => {
      if (to === undefined || to.isCrashed || this.isCut(from, to)) {
        this.#step(from, { type: "dialFailed", dial, reason: "refused" });
        return;
      }
      const [near, far] = this.#pair(from, to);
      this.#step(to, { type: "opened", link: far.link, dial: undefined });
      this.#step(from, { type: "opened", link: near.link, dial });
    });
  }
}
