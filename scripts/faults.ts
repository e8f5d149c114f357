/**
 * Seven nodes that are processes, a workload, a checker, and what goes wrong
 * with real processes and real connections:
 *
 *     deno task faults                     60 s of each kind of fault
 *     deno task faults --seconds 10        shorter
 *     deno task faults --kind kill         one kind
 *     deno task faults --seed 7            other faults at other times
 *
 * Everything is on this machine, and ends when this program does, however.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { seedOf } from "../src/testing/swarm.ts";
import { KINDS } from "./faults/kinds.ts";
import { killAll } from "./faults/ring.ts";
import { type Recovery, type Report, runKind } from "./faults/run.ts";

const NODES = 7;
const REPLICAS = 3;
/** Boot, recoveries and the final reads take no longer than this besides. */
const BESIDES_MS_MAX = 180_000;
/** Everything must be well again this soon after a fault. */
const RECOVERY_MS_MAX = 60_000;
const FINDINGS_SHOWN = 10;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    kind: { type: "string" },
    seed: { type: "string", default: "42" },
  },
});

/** What was asked for. */
function wish(): { seed: number; seconds: number; kinds: string[] } {
  const seed = seedOf(values.seed);
  if (seed === undefined) {
    throw new Error(
      `Cannot use the seed "${values.seed}": give a number or a hash`,
    );
  }
  const seconds = Number(values.seconds);
  if (!(seconds > 0)) {
    throw new Error(
      `Cannot run for "${values.seconds}" seconds: give a positive number`,
    );
  }
  const all = Object.keys(KINDS);
  const kinds = values.kind === undefined ? all : [values.kind];
  for (const kind of kinds) {
    if (all.includes(kind)) continue;
    throw new Error(
      `Cannot make faults of the kind "${kind}": there are ${all.join(", ")}`,
    );
  }
  return { seed, seconds, kinds };
}

async function run(
  kind: string,
  seed: number,
  seconds: number,
): Promise<Report> {
  const watchdog = setTimeout(() => {
    console.error(`${kind}: not done in time`);
    killAll();
    Deno.exit(1);
  }, 1_000 * seconds + BESIDES_MS_MAX);
  try {
    return await runKind({
      kind,
      seed,
      seconds,
      nodes: NODES,
      replicas: REPLICAS,
      replicasMade: REPLICAS,
      recoveryMsMax: RECOVERY_MS_MAX,
      say: (words) => console.log(`${kind.padEnd(10)} ${words}`),
    });
  } finally {
    clearTimeout(watchdog);
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function show(reports: readonly Report[]): void {
  console.log(
    `\n${"".padEnd(10)} faults     ops  failed        fail during it` +
      `   all succeed after` +
      `  copies equal after       settled after   (median, most)`,
  );
  for (const { kind, recoveries, operations, failed } of reports) {
    const spread = (what: keyof Recovery) => {
      const ms = recoveries.map((recovery) => recovery[what]);
      const text = `${secondsOf(median(ms))}, ${secondsOf(Math.max(...ms))}`;
      return text.padStart(20);
    };
    console.log(
      kind.padEnd(10) + String(recoveries.length).padStart(7) +
        String(operations).padStart(8) + String(failed).padStart(8) +
        spread("failingMs") + spread("operationsMs") + spread("copiesMs") +
        spread("settledMs"),
    );
  }
}

function secondsOf(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

async function main(): Promise<boolean> {
  const { seed, seconds, kinds } = wish();
  const reports: Report[] = [];
  for (const kind of kinds) reports.push(await run(kind, seed, seconds));
  show(reports);
  for (const { kind, errors } of reports) {
    for (const error of errors) console.log(`${kind.padEnd(10)} ${error}`);
  }
  for (const { kind, findings, summary } of reports) {
    if (findings.length === 0) continue;
    console.error(`\n${kind}: ${findings.length} findings; ${summary}`);
    for (const finding of findings.slice(0, FINDINGS_SHOWN)) {
      console.error(`  ${finding}`);
    }
    console.error(
      `deno task faults --kind ${kind} --seconds ${seconds} --seed ${seed}`,
    );
  }
  return reports.every(({ findings }) => findings.length === 0);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    killAll();
    Deno.exit(1);
  });
}
try {
  if (!await main()) Deno.exit(1);
} catch (error) {
  console.error((error as Error).message);
  Deno.exit(1);
} finally {
  killAll();
}
Deno.exit(0); // The listeners for signals would keep it running.
