/**
 * Hands made-up messages, broken messages, random bytes and broken frames to
 * the decoder and the framer:
 *
 *     deno task fuzz                        a million inputs
 *     deno task fuzz --seed 7 --inputs 5000 other ones, and fewer
 *     deno task fuzz --seed 7 --stream mutations --input 41   one of them
 *
 * A commit's hash will do as a seed.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { seedOf } from "../src/testing/swarm.ts";
import { Meter } from "../tests/fuzz/meter.ts";
import { product } from "../tests/fuzz/properties.ts";
import {
  allNumbers,
  poolOf,
  runStream,
  type StreamName,
  STREAMS,
} from "../tests/fuzz/streams.ts";

/** Each stream's part of all inputs. */
const SHARES: Readonly<Record<StreamName, number>> = {
  messages: 0.2,
  mutations: 0.35,
  bytes: 0.2,
  frames: 0.25,
};

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "42" },
    inputs: { type: "string", default: "1000000" },
    stream: { type: "string" },
    input: { type: "string" },
  },
});

function numberOf(text: string, what: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new Error(`Cannot use --${what} ${text}: give a whole number`);
}

function main(): void {
  const seed = seedOf(values.seed);
  if (seed === undefined) {
    throw new Error(
      `Cannot use the seed "${values.seed}": give a number or a hash`,
    );
  }
  const pool = poolOf(seed);
  using meter = new Meter();
  const world = { subject: product, meter, pool };
  const { stream, input } = values;
  if (stream !== undefined && !Object.hasOwn(STREAMS, stream)) {
    const names = Object.keys(STREAMS).join(", ");
    throw new Error(`Cannot use the stream "${stream}": there are ${names}`);
  }
  if (input !== undefined) {
    const numbers = [numberOf(input, "input")];
    runStream((stream ?? "mutations") as StreamName, seed, numbers, world);
    return console.log("it holds");
  }
  const inputs = numberOf(values.inputs, "inputs");
  const startMs = performance.now();
  let total = 0;
  for (const [each, share] of Object.entries(SHARES)) {
    const name = each as StreamName;
    if (stream !== undefined && stream !== name) continue;
    const wanted = stream === undefined ? Math.ceil(share * inputs) : inputs;
    const tally = runStream(name, seed, allNumbers(), world, wanted);
    total += tally.inputs;
    console.log(
      `${name.padEnd(10)} ${tally.inputs} inputs, ${tally.accepted} accepted`,
    );
  }
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`seed ${seed}: ${total} inputs in ${seconds} s, all hold`);
}

try {
  main();
} catch (error) {
  console.error((error as Error).message);
  Deno.exit(1);
}
