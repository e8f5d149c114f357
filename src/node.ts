/**
 * Runs a node's machine on real transports and a real clock.
 *
 * What the machine wants is carried out in order. What answers a frame leaves at
 * once, and so does a call that waits alone; all else at the end of the turn, so
 * that whatever one turn of the application asked for is one frame for each
 * link. Where the clock knows when all that has come in was handled, that is
 * the end of the turn; elsewhere it is one microtask later. For many at once it
 * makes a factor of ten in the number of frames: with two peers, what one
 * frame's answers lead to is split between both, and each frame would bring
 * about two of half its size. One timer serves all deadlines of the machine, and
 * is only set anew when the next deadline is earlier than what it is set to.
 *
 * Not taken: a stream or an async function for each step. A promise for each
 * call of the application is the only one on the way.
 *
 * @module
 */
import type { Bytes } from "./base/bytes.ts";
import type { Clock } from "./base/clock.ts";
import {
  AbortError,
  ClosedError,
  ConnectionError,
  OverloadedError,
} from "./base/errors.ts";
import { CALLS_WAITING_MAX } from "./base/limits.ts";
import type { Instant } from "./base/machine.ts";
import { CloseCode } from "./mesh/close_codes.ts";
import type {
  CallNumber,
  DialNumber,
  LinkNumber,
  MeshOperation,
  NodeEffect,
  NodeEvent,
  Notice,
} from "./mesh/events.ts";
import type { NodeMachine } from "./mesh/node_machine.ts";
import type { Channel, ChannelHandlers } from "./transport/channel.ts";

/** What a driver needs to know and to tell. */
export interface DriverHost {
  readonly clock: Clock;
  /** Dials; whatever it throws counts as a dial that failed. */
  dial(url: string): Channel;
  /** Computes the MAC of each text by each secret. */
  macs(texts: readonly Bytes[]): Promise<Bytes[][]>;
  onNotice(notice: Notice): void;
  /** A mistake of this library; the node has ended because of it. */
  onBug(error: unknown): void;
  /** How long a transport may take to open, in milliseconds. */
  readonly openMs: number;
}

/** What one call says besides its operation. */
export interface CallOptions {
  /** What is done, as an error's message would say it: `get a key`. */
  readonly action: string;
  /** Whether the operation changes anything. */
  readonly writes: boolean;
  readonly signal: AbortSignal | undefined;
}

/** A call of the application that waits for its result. */
interface Waiting {
  readonly options: CallOptions;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  readonly onAbort: (() => void) | undefined;
}

const NO_HANDLERS: ChannelHandlers = {
  onOpen: () => {},
  onFrame: () => {},
  onDrain: () => {},
  onClose: () => {},
};

/** A node on real transports. */
export class NodeDriver<Operation> {
  readonly #machine: NodeMachine<Operation>;
  readonly #host: DriverHost;
  readonly #clock: Clock;
  readonly #channels = new Map<LinkNumber, Channel>();
  /** Transports that are not open yet, with what gives up on them. */
  readonly #opening = new Map<Channel, unknown>();
  readonly #waiting = new Map<CallNumber, Waiting>();
  /** Links that have something to send. */
  readonly #ready = new Set<LinkNumber>();
  /** Effects that wait because others are being carried out. */
  #effects: NodeEffect[] = [];
  #isCarryingOut = false;
  #isTurnEndDue = false;
  #isUrgent = false;
  #state: "open" | "closing" | "closed" = "open";
  #calls = 0;
  #links = 0;
  #timer: unknown;
  #timerAtMs = Infinity;
  #onIdle: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(machine: NodeMachine<Operation>, host: DriverHost) {
    this.#machine = machine;
    this.#host = host;
    this.#clock = host.clock;
  }

  /** Whether calls are taken. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Calls that wait for their results. */
  get callsWaiting(): number {
    return this.#waiting.size;
  }

  /** Asks the mesh for something. */
  call<Result>(
    operation: MeshOperation,
    options: CallOptions,
  ): Promise<Result> {
    const refusal = this.#refusal(options);
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#start(
      { type: "call", call: ++this.#calls, operation },
      options,
    );
  }

  /** Asks what works on top of the mesh for something. */
  ask<Result>(operation: Operation, options: CallOptions): Promise<Result> {
    const refusal = this.#refusal(options);
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#start(
      { type: "ask", call: ++this.#calls, operation },
      options,
    );
  }

  /** Takes a transport; resolves to the node at its other end. */
  accept(
    channel: Channel,
    timeoutMs: number,
    options: CallOptions,
  ): Promise<string> {
    if (this.#state !== "open") {
      // Nobody else will end it.
      channel.start(NO_HANDLERS);
      channel.close(CloseCode.normal, "the node has closed");
      return Promise.reject(this.#closedError(options));
    }
    return new Promise((resolve, reject) => {
      this.#open(channel, undefined, (link) => {
        this.call<string>({ type: "accept", link, timeoutMs }, options)
          .then(resolve, reject);
      }, (reason) => {
        if (this.#state !== "open") return reject(this.#closedError(options));
        reject(
          new ConnectionError(
            `Cannot ${options.action}: the connection ended before it was ` +
              `open (${reason || "no reason given"})`,
          ),
        );
      });
    });
  }

  /** Ends everything: links, dials, calls, timers. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    if (this.#state === "open") {
      const options = { action: "close", writes: false, signal: undefined };
      const operation = { type: "close" } as const;
      const done = this.#start(
        { type: "call", call: ++this.#calls, operation },
        options,
      );
      this.#state = "closing";
      for (const channel of this.#opening.keys()) {
        channel.close(CloseCode.normal, "closed");
      }
      await done.catch(() => {}); // Only for a bug, which was told.
    }
    if (this.#channels.size + this.#opening.size > 0) {
      // Each channel ends in bounded time once it was closed.
      await new Promise<void>((resolve) => this.#onIdle = resolve);
    }
    this.#end(undefined);
  }

  /** Why a call is not even begun. */
  #refusal(options: CallOptions): Error | undefined {
    const { action, signal } = options;
    if (this.#state !== "open") return this.#closedError(options);
    if (signal?.aborted === true) {
      return new AbortError(action, "no", signal.reason);
    }
    if (this.#waiting.size < CALLS_WAITING_MAX) return undefined;
    return new OverloadedError(
      `Cannot ${action}: ${CALLS_WAITING_MAX} calls wait already; wait for ` +
        `some of them to end`,
    );
  }

  #start<Result>(
    event: NodeEvent<Operation> & { readonly call: CallNumber },
    options: CallOptions,
  ): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const onAbort = options.signal && this.#endOn(options.signal, event.call);
      this.#waiting.set(event.call, { options, resolve, reject, onAbort });
      this.#step(event);
    });
  }

  /** Ends a call when its signal says so. */
  #endOn(signal: AbortSignal, call: CallNumber): () => void {
    const onAbort = () => {
      const waiting = this.#settle(call);
      if (waiting !== undefined) {
        const { action, writes } = waiting.options;
        const applied = writes ? "maybe" : "no";
        waiting.reject(new AbortError(action, applied, signal.reason));
      }
      this.#step({ type: "cancel", call });
    };
    signal.addEventListener("abort", onAbort, { once: true });
    return onAbort;
  }

  #closedError(options: CallOptions): ClosedError {
    return new ClosedError(
      `Cannot ${options.action}: the socket is ${this.#state}; make a new one`,
      "no",
    );
  }

  /** Takes a call off the list; `undefined` if it was settled before. */
  #settle(call: CallNumber): Waiting | undefined {
    const waiting = this.#waiting.get(call);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(call);
    if (waiting.onAbort !== undefined) {
      waiting.options.signal!.removeEventListener("abort", waiting.onAbort);
    }
    return waiting;
  }

  #instant(): Instant {
    return { nowMs: this.#clock.nowMs(), wallMs: this.#clock.wallMs() };
  }

  #step(event: NodeEvent<Operation>): void {
    if (this.#state === "closed") return;
    let effects: NodeEffect[];
    try {
      effects = this.#machine.step(event, this.#instant());
    } catch (error) {
      return this.#break(error);
    }
    if (effects.length > 0) this.#carryOut(effects);
    if (this.#isTurnEndDue) return;
    this.#isUrgent ||= event.type === "ask" && this.#waiting.size === 1;
    if (this.#isUrgent && !this.#isCarryingOut) return this.#endTurn();
    this.#isTurnEndDue = true;
    if (this.#clock.afterTurn === undefined) queueMicrotask(this.#endTurn);
    else this.#clock.afterTurn(this.#endTurn);
  }

  /** A listener may call back into the node: what that leads to comes after. */
  #carryOut(effects: NodeEffect[]): void {
    if (this.#isCarryingOut) {
      this.#effects.push(...effects);
      return;
    }
    this.#isCarryingOut = true;
    for (let batch = effects; batch.length > 0; batch = this.#takeEffects()) {
      for (const effect of batch) this.#effect(effect);
    }
    this.#isCarryingOut = false;
  }

  #takeEffects(): NodeEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #effect(effect: NodeEffect): void {
    switch (effect.type) {
      case "ready":
        this.#ready.add(effect.link);
        this.#isUrgent ||= effect.isUrgent;
        return;
      case "result":
        this.#settle(effect.call)?.resolve(effect.value as never);
        return;
      case "failure":
        this.#settle(effect.call)?.reject(effect.error);
        return;
      case "notice":
        this.#host.onNotice(effect.notice);
        return;
      case "dial":
        return this.#dial(effect.dial, effect.url);
      case "pause":
        return this.#channels.get(effect.link)?.pause();
      case "resume":
        return this.#channels.get(effect.link)?.resume();
      case "mac":
        this.#host.macs(effect.texts).then(
          (macs) => this.#step({ type: "macs", link: effect.link, macs }),
          (error) => this.#break(error),
        );
        return;
      case "close":
        this.#pull(effect.link);
        this.#ready.delete(effect.link);
        this.#channels.get(effect.link)?.close(effect.code, effect.reason);
    }
  }

  #dial(dial: DialNumber, url: string): void {
    const fail = (reason: string) =>
      this.#step({ type: "dialFailed", dial, reason });
    if (this.#state !== "open") return fail("the socket is closing");
    let channel: Channel;
    try {
      channel = this.#host.dial(url);
    } catch (error) {
      return fail(error instanceof Error ? error.message : String(error));
    }
    this.#open(channel, dial, () => {}, fail);
  }

  #open(
    channel: Channel,
    dial: DialNumber | undefined,
    onOpen: (link: LinkNumber) => void,
    onFailure: (reason: string) => void,
  ): void {
    let link: LinkNumber = 0;
    const giveUp = () => channel.close(CloseCode.handshake, "took too long");
    this.#opening.set(
      channel,
      this.#clock.setTimer(giveUp, this.#host.openMs),
    );
    channel.start({
      onOpen: () => {
        this.#stopOpening(channel);
        link = ++this.#links;
        this.#channels.set(link, channel);
        const { isAttached } = channel;
        this.#step({ type: "opened", link, dial, isAttached });
        onOpen(link);
      },
      onFrame: (frame) => this.#step({ type: "frame", link, frame }),
      onDrain: this.#endTurn,
      onClose: (code, reason) => {
        if (link === 0) {
          this.#stopOpening(channel);
          onFailure(reason);
        } else {
          this.#channels.delete(link);
          this.#ready.delete(link);
          this.#step({ type: "closed", link, code, reason });
        }
        if (this.#channels.size + this.#opening.size === 0) this.#onIdle?.();
      },
    });
  }

  #stopOpening(channel: Channel): void {
    this.#clock.clearTimer(this.#opening.get(channel));
    this.#opening.delete(channel);
  }

  /** Sends what the turn led to, and sets the timer. */
  readonly #endTurn = (): void => {
    this.#isTurnEndDue = this.#isUrgent = false;
    if (this.#state === "closed") return;
    for (const link of this.#ready) {
      if (this.#pull(link)) this.#ready.delete(link);
    }
    this.#setTimer();
  };

  /** Sends while there is room; gives whether nothing is left to send. */
  #pull(link: LinkNumber): boolean {
    const channel = this.#channels.get(link);
    if (channel === undefined) return true;
    try {
      while (channel.hasRoom) {
        const frame = this.#machine.pull(link, channel);
        if (frame === undefined) return true;
        channel.send(frame);
      }
    } catch (error) {
      this.#break(error);
    }
    return false;
  }

  #setTimer(): void {
    const wakeAtMs = this.#machine.wakeAtMs;
    if (wakeAtMs >= this.#timerAtMs || this.#state === "closed") return;
    this.#clock.clearTimer(this.#timer);
    this.#timerAtMs = wakeAtMs;
    const delayMs = Math.ceil(wakeAtMs - this.#clock.nowMs());
    this.#timer = this.#clock.setTimer(() => {
      this.#timerAtMs = Infinity;
      this.#step({ type: "wake" });
    }, delayMs);
  }

  /** A mistake of this library: the node ends, the process does not. */
  #break(error: unknown): void {
    if (this.#state === "closed") return;
    for (const channel of this.#opening.keys()) {
      channel.close(CloseCode.normal, "internal error");
    }
    for (const channel of this.#channels.values()) {
      channel.close(CloseCode.normal, "internal error");
    }
    this.#end(error);
    this.#host.onBug(error);
  }

  #end(cause: unknown): void {
    this.#state = "closed";
    this.#clock.clearTimer(this.#timer);
    this.#ready.clear();
    for (const [call, { options }] of [...this.#waiting]) {
      const { action, writes } = options;
      this.#settle(call)?.reject(
        new ClosedError(
          `Cannot ${action}: the socket was closed meanwhile`,
          writes ? "maybe" : "no",
          { cause },
        ),
      );
    }
  }
}
