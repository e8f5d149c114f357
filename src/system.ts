/**
 * The real clock, real chance and real WebSockets: the one file of the core that
 * touches these globals. Everything else is handed them from here.
 *
 * @module
 */
import type { Bytes } from "./base/bytes.ts";
import type { Clock } from "./base/clock.ts";
import type { Random } from "./base/random.ts";
import type { WebSocketLike } from "./transport/websocket.ts";

/** The longest delay that `setTimeout` keeps. */
const DELAY_MAX_MS = 2 ** 31 - 1;

/** What runs after all sockets have been read, where the platform has that. */
const afterReads = (globalThis as {
  setImmediate?: (run: () => void) => unknown;
}).setImmediate;

/** The clocks and timers of the platform. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer: (run, delayMs) =>
    setTimeout(run, Math.min(Math.max(0, delayMs), DELAY_MAX_MS)),
  clearTimer: (timer) => clearTimeout(timer as number),
  ...afterReads && { afterTurn: (run) => void afterReads(run) },
};

/** Numbers from `crypto`, many at a time: a call of it costs a microsecond. */
class SystemRandom implements Random {
  readonly #pool = new Uint32Array(256);
  #next = 256;

  uint32(): number {
    if (this.#next === this.#pool.length) {
      crypto.getRandomValues(this.#pool);
      this.#next = 0;
    }
    const drawn = this.#pool[this.#next]!;
    this.#pool[this.#next++] = 0; // It may have become part of a secret.
    return drawn;
  }
}

/** Chance that nobody can foretell; one pool for all nodes of a process. */
export const systemRandom: Random = new SystemRandom();

const HMAC = { name: "HMAC", hash: "SHA-256" };

/**
 * Computes the HMAC-SHA-256 of each text by each of `secrets`.
 *
 * @throws {TypeError} If there are secrets and the platform cannot do it
 */
export function systemMacs(
  secrets: readonly Bytes[],
): (texts: readonly Bytes[]) => Promise<Bytes[][]> {
  const { subtle } = crypto as { subtle?: SubtleCrypto };
  if (secrets.length > 0 && subtle === undefined) {
    throw new TypeError(
      `Cannot use a secret: there is no crypto.subtle here, which a page has ` +
        `only if it comes by https or from localhost; serve it so`,
    );
  }
  // At the first use: a Worker may not compute before it has a request.
  let keys: Promise<CryptoKey[]> | undefined;
  return async (texts) => {
    keys ??= Promise.all(
      secrets.map((secret) =>
        subtle!.importKey("raw", secret, HMAC, false, ["sign"])
      ),
    );
    const known = await keys;
    const macOf = async (key: CryptoKey, text: Bytes) =>
      new Uint8Array(await subtle!.sign("HMAC", key, text));
    return Promise.all(
      texts.map((text) => Promise.all(known.map((key) => macOf(key, text)))),
    );
  };
}

/** Something that dials a url, as the global `WebSocket` does. */
export type WebSocketConstructor = new (url: string) => WebSocketLike;

let findPreferred: () => WebSocketConstructor | undefined = () => undefined;

/**
 * For the entry point of a runtime that has none, or a slower one.
 *
 * @param find gives `undefined` to leave it to the platform; what it throws is
 * why a dial fails
 */
export function preferWebSocket(
  find: () => WebSocketConstructor | undefined,
): void {
  findPreferred = find;
}

/** The `WebSocket` to dial with; `undefined` on a platform that has none. */
export function systemWebSocket(): WebSocketConstructor | undefined {
  return findPreferred() ??
    (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
}
