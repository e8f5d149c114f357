/**
 * Has the holders of a key keep a copy that a far node has and would like to
 * drop: done once each of them, being a holder in its own view, has it or a
 * newer one. Whoever lacks it gets it, and is asked once more. Told are those
 * who confirmed: whether they are enough is judged by who drops the copy.
 *
 * @module
 */
import { type ChordError, TimeoutError } from "../base/errors.ts";
import { type Id, keyId } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { Peers, PendingRequest } from "../mesh/peers.ts";
import { type EntryRecord, Held } from "../wire/messages.ts";
import { Call, type Ending } from "./call.ts";
import { confirmHere } from "./donor.ts";
import { candidatesOf } from "./holders.ts";
import type { Replica } from "./replica.ts";
import { noMember, tooMany } from "./write.ts";

/** How long to wait before all are asked once more. */
const ASK_AGAIN_MS = 200;
/** The request of messages whose answers nobody waits for. */
const NO_REQUEST = 0;

/** One copy that is handed over. */
export class Keep extends Call<readonly Id[]> {
  readonly #peers: Peers;
  readonly #replica: Replica;
  readonly #entry: EntryRecord;
  readonly #id: Id;
  #asked: readonly Id[] = [];
  #open = new Set<Id>();
  #isHeldByAll = true;
  #request: PendingRequest | undefined;

  constructor(
    context: Context,
    peers: Peers,
    replica: Replica,
    order: { entry: EntryRecord; timeoutMs: number },
    ending: Ending<readonly Id[]>,
  ) {
    super(context, order.timeoutMs, ending);
    this.#peers = peers;
    this.#replica = replica;
    this.#entry = order.entry;
    this.#id = keyId(order.entry.key);
  }

  start(): this {
    this.#ask();
    return this;
  }

  /** Whom it asks it finds out each time it asks. */
  override replan(): void {
  }

  protected override timedOut(): ChordError {
    return new TimeoutError(
      `Cannot hand on the key: not every holder had it within ` +
        `${this.timeoutMs} ms; it will be tried again`,
      "maybe",
    );
  }

  protected override release(): void {
    this.#request?.cancel();
  }

  #ask(): void {
    const { replicas } = this.context.options;
    const holders = candidatesOf(this.#peers.ring, this.#id, replicas)
      .map(({ id }) => id);
    if (holders.length === 0) return this.fail(noMember("hand on the key"));
    this.#request?.cancel();
    this.#request = this.#peers.request(this.timeoutMs, {
      onAnswer: (answer, from) => {
        if (answer.type === "confirmed") this.#onHeld(from, answer.held[0]);
      },
      onFailure: (to) => this.#onHeld(to, undefined),
    });
    if (this.#request === undefined) return this.fail(tooMany("hand on"));
    const { number } = this.#request;
    const items = [{ id: this.#id, version: this.#entry.version }];
    const message = { type: "confirm", request: number, items } as const;
    this.#asked = holders;
    this.#open = new Set(holders);
    this.#isHeldByAll = true;
    for (const id of holders) {
      if (id === this.#peers.self.id) {
        this.#onHeld(
          id,
          confirmHere(this.#replica, message, this.context).held[0],
        );
      } else this.#request.send(id, message);
    }
  }

  #onHeld(from: Id, held: number | undefined): void {
    if (this.isOver || !this.#open.delete(from)) return;
    if (held === Held.lacking) this.#give(from);
    this.#isHeldByAll &&= held === Held.held;
    if (this.#open.size > 0) return;
    if (!this.#isHeldByAll) {
      return void this.after(ASK_AGAIN_MS, () => this.#ask());
    }
    this.succeed(this.#asked);
  }

  #give(to: Id): void {
    if (to === this.#peers.self.id) return this.#replica.take(this.#entry);
    this.#peers.send(to, {
      type: "push",
      request: NO_REQUEST,
      entries: [this.#entry],
    });
  }
}
