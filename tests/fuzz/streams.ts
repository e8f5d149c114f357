/**
 * Endless streams of inputs. Each input follows from the seed, the stream and
 * its number alone, so that any one can be made again by itself.
 *
 * @module
 */
import type { Bytes } from "../../src/base/bytes.ts";
import { PIECE_BYTES_MAX } from "../../src/base/limits.ts";
import {
  below,
  pick,
  type Random,
  SeededRandom,
} from "../../src/base/random.ts";
import { Outbox } from "../../src/mesh/framer.ts";
import { encode } from "../../src/wire/codec.ts";
import { declarations, Lane } from "../../src/wire/messages.ts";
import { largest, messageOf, messageTypes, small } from "../wire/generator.ts";
import type { Meter } from "./meter.ts";
import { mutated, randomBytes, spliced } from "./mutations.ts";
import {
  BrokenProperty,
  isSame,
  type Subject,
  tryFrames,
  tryMessage,
} from "./properties.ts";

/** The streams there are. */
export type StreamName = "messages" | "mutations" | "bytes" | "frames";

/** What has been tried. */
export interface Tally {
  /** Messages and frames that were handed in. */
  inputs: number;
  /** Those that were taken. */
  accepted: number;
}

/** How one input is tried; adds to the tally. */
type Trial = (random: Random, world: World, tally: Tally) => void;

/** What trials need. */
export interface World {
  readonly subject: Subject;
  readonly meter: Meter;
  /** Valid messages to break. */
  readonly pool: readonly Bytes[];
}

const POOL_PER_TYPE = 20;
const POOL_BYTES_MAX = 4096;
const LANES = [Lane.control, Lane.operations, Lane.bulk] as const;
const FRAMES_MAX = 8;
const RAW_BYTES_MAX = 100;

/** Valid messages of every type. */
export function poolOf(seed: number): Bytes[] {
  const random = new SeededRandom(seed, "pool");
  return messageTypes
    .flatMap((type) =>
      Array.from(
        { length: POOL_PER_TYPE },
        () => encode(messageOf(type, random)),
      )
    )
    .filter(({ length }) => length <= POOL_BYTES_MAX);
}

/** Each stream's way to try one input. */
export const STREAMS: Readonly<Record<StreamName, Trial>> = {
  messages: (random, { subject, meter }, tally) => {
    const sizes = below(random, 100) === 0 ? largest : small;
    const message = messageOf(pick(random, messageTypes)!, random, sizes);
    const bytes = encode(message);
    const decoded = tryMessage(subject, bytes, meter);
    tally.inputs++;
    tally.accepted++;
    if (decoded === undefined || !isSame(message, decoded)) {
      throw new BrokenProperty("did not come back as it was", bytes);
    }
  },
  mutations: (random, { subject, meter, pool }, tally) => {
    const bytes = broken(random, pool);
    tally.inputs++;
    if (tryMessage(subject, bytes, meter) !== undefined) tally.accepted++;
  },
  bytes: (random, { subject, meter }, tally) => {
    const bytes = randomBytes(random, below(random, RAW_BYTES_MAX));
    // Half of them get past the first byte.
    if (bytes.length > 0 && below(random, 2) === 0) {
      bytes[0] = pick(random, declarations)!.kind;
    }
    tally.inputs++;
    if (tryMessage(subject, bytes, meter) !== undefined) tally.accepted++;
  },
  frames: (random, { subject, meter, pool }, tally) => {
    const frames = framesOf(random, pool);
    const taken = tryFrames(subject, frames, meter);
    tally.accepted += taken;
    // A link ends with its first broken frame.
    tally.inputs += Math.min(taken + 1, frames.length);
  },
};

function broken(random: Random, pool: readonly Bytes[]): Bytes {
  const valid = pick(random, pool)!;
  return below(random, 10) === 0
    ? spliced(random, valid, pick(random, pool)!)
    : mutated(random, valid);
}

/** Frames of one link, of which some are broken. */
function framesOf(random: Random, pool: readonly Bytes[]): Bytes[] {
  const outbox = new Outbox();
  const frames: Bytes[] = [];
  const isLong = below(random, 500) === 0;
  for (let left = 1 + below(random, FRAMES_MAX); left > 0; left--) {
    for (let messages = below(random, 4); messages >= 0; messages--) {
      outbox.push(pick(random, LANES)!, [pick(random, pool)!]);
    }
    if (isLong) {
      const length = below(random, 3) * PIECE_BYTES_MAX + below(random, 3);
      if (length > 0) outbox.push(Lane.bulk, [new Uint8Array(length)]);
    }
    const frame = outbox.pull()!;
    const draw = below(random, 16);
    frames.push(
      draw === 0
        ? randomBytes(random, below(random, RAW_BYTES_MAX))
        : draw < 4
        ? mutated(random, frame)
        : draw === 4 && frames.length > 0
        ? spliced(random, frames.at(-1)!, frame)
        : frame,
    );
  }
  return frames;
}

/**
 * Tries inputs by their numbers.
 *
 * @param inputsMax when to stop, if the numbers do not
 * @throws {Error} If one breaks a property; it says how to try it alone
 */
export function runStream(
  name: StreamName,
  seed: number,
  numbers: Iterable<number>,
  world: World,
  inputsMax = Infinity,
): Tally {
  const tally: Tally = { inputs: 0, accepted: 0 };
  for (const number of numbers) {
    if (tally.inputs >= inputsMax) break;
    const random = new SeededRandom(seed, `${name} ${number}`);
    try {
      STREAMS[name](random, world, tally);
    } catch (cause) {
      throw new Error(
        `Stream "${name}", seed ${seed}, input ${number}: ` +
          `${(cause as Error).message}\n` +
          `deno task fuzz --seed ${seed} --stream ${name} --input ${number}`,
        { cause },
      );
    }
  }
  return tally;
}

/** 0, 1, 2 and so on for ever. */
export function* allNumbers(): Generator<number, never, void> {
  for (let number = 0;; number++) yield number;
}
