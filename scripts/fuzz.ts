/**
 * Hands made-up messages, broken messages, random bytes and broken frames to
 * the decoder and the framer, and has a hostile peer talk to whole nodes:
 *
 *     deno task fuzz                        a million inputs, then the nodes
 *     deno task fuzz --seed 7 --inputs 5000 other ones, and fewer
 *     deno task fuzz --seed 7 --stream mutations --input 41   one of them
 *     deno task fuzz --seed 7 --stream nodes                  the nodes alone
 *
 * A commit's hash will do as a seed.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { EVERYWHERE } from "../src/base/options.ts";
import { seedOf } from "../src/testing/swarm.ts";
import { Meter } from "../tests/fuzz/meter.ts";
import { besiege } from "../tests/fuzz/nodes.ts";
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

/** The stream that is no stream of inputs. */
const NODES = "nodes";
/** What a hostile peer says in each run. */
const MESSAGES = 2_000;
const COPIES = 3;

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

/** The decoder and the framer. */
function runInputs(seed: number): void {
  const pool = poolOf(seed);
  using meter = new Meter();
  const world = { subject: product, meter, pool };
  const { stream, input } = values;
  if (input !== undefined) {
    const numbers = [numberOf(input, "input")];
    runStream((stream ?? "mutations") as StreamName, seed, numbers, world);
    return console.log("it holds");
  }
  const inputs = numberOf(values.inputs, "inputs");
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
  console.log(`${total} inputs, all as they should be`);
}

/** Whole nodes, with the rules of either socket, and either kind of peer. */
function runNodes(seed: number): void {
  for (const replicas of [COPIES, EVERYWHERE]) {
    for (const isMember of [true, false]) {
      const who = `${isMember ? "member" : "guest"} of ` +
        (replicas === EVERYWHERE ? "sync" : "chord");
      const siege = { seed, messages: MESSAGES, isMember, replicas };
      try {
        const { said, largest } = besiege(siege);
        console.log(`${who}: ${said} messages; largest: ${largest}`);
      } catch (cause) {
        throw new Error(
          `Seed ${seed}, ${who}: ${(cause as Error).message}\n` +
            `deno task fuzz --seed ${seed} --stream ${NODES}`,
          { cause },
        );
      }
    }
  }
}

function main(): void {
  const seed = seedOf(values.seed);
  if (seed === undefined) {
    throw new Error(
      `Cannot use the seed "${values.seed}": give a number or a hash`,
    );
  }
  const { stream } = values;
  const names = [...Object.keys(STREAMS), NODES];
  if (stream !== undefined && !names.includes(stream)) {
    throw new Error(
      `Cannot use the stream "${stream}": there are ${names.join(", ")}`,
    );
  }
  const startMs = performance.now();
  if (stream !== NODES) runInputs(seed);
  if (stream === undefined || stream === NODES) runNodes(seed);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`seed ${seed}: all hold, after ${seconds} s`);
}

try {
  main();
} catch (error) {
  console.error((error as Error).message);
  Deno.exit(1);
}
