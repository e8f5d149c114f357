/**
 * The limits that a socket is made with.
 *
 * @module
 */
import { FRAME_BYTES_MAX } from "../../base/limits.ts";
import { LIMITS, type Limits } from "../../base/options.ts";

/**
 * A single frame must not keep a link from being read for more than a second;
 * and of two links that two nodes have dialled at once none is to break.
 */
const LEAST: Readonly<Record<keyof Limits, number>> = {
  messagesPerSecondMax: 1_000,
  bytesPerSecondMax: FRAME_BYTES_MAX,
  requestsInFlightMax: 1,
  linksPerNodeMax: 2,
  dialsPendingMax: 1,
  handshakesPendingMax: 1,
};

/**
 * The limits as they are worked with: those given, and the defaults.
 *
 * @throws {TypeError} If one is unknown or not a number
 * @throws {RangeError} If one is too low, or not whole
 */
export function resolveLimits(given: Partial<Limits> = {}): Limits {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(
      `Cannot use "limits" of type ${typeof given}: give an object`,
    );
  }
  const limits = { ...LIMITS };
  for (const [name, limit] of Object.entries(given)) {
    if (limit !== undefined) limits[checkName(name)] = checkLimit(name, limit);
  }
  return limits;
}

function checkName(name: string): keyof Limits {
  if (Object.hasOwn(LIMITS, name)) return name as keyof Limits;
  throw new TypeError(
    `Cannot use the limit "${name}": there is none of that name, but ` +
      Object.keys(LIMITS).join(", "),
  );
}

function checkLimit(name: string, limit: unknown): number {
  if (typeof limit !== "number") {
    throw new TypeError(
      `Cannot use "${name}" of type ${typeof limit}: give a number`,
    );
  }
  const least = LEAST[name as keyof Limits];
  if (Number.isInteger(limit) && limit >= least) return limit;
  throw new RangeError(
    `Cannot use ${limit} as "${name}": give a whole number from ${least} up`,
  );
}
