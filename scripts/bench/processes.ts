/**
 * Starts the processes of one benchmark and brings them together.
 *
 * @module
 */
import { LineProcess } from "../children.ts";
import { type Runtime, RUNTIMES_FOLDER } from "../runtimes_found.ts";
import type { ClientOptions } from "./client.ts";
import type { RingOptions } from "./peer.ts";
import type { Result } from "./rows.ts";

/** What is measured. */
export interface Plan {
  readonly runtime: Runtime;
  readonly nodes: number;
  readonly rounds: number;
  readonly scale: number;
  /** The only core that all processes may use; `undefined`: any. */
  readonly core: number | undefined;
}

const PERMISSIONS = ["--allow-net=127.0.0.1", "--allow-env", "--allow-read"];

/** One process of a benchmark. */
class Child {
  readonly #process: LineProcess;
  readonly #lines: AsyncGenerator<unknown, void, void>;

  constructor({ runtime, core }: Plan, program: string, argument: string) {
    const { name, path } = runtime;
    const command = [
      ...core === undefined ? [] : ["taskset", "-c", String(core)],
      path,
      ...name === "deno" ? ["run", "--quiet", ...PERMISSIONS] : [],
      new URL(program, import.meta.url).pathname,
      argument,
    ];
    this.#process = new LineProcess(command, {
      NODE_PATH: new URL("node_modules", RUNTIMES_FOLDER).pathname,
      NODE_NO_WARNINGS: "1",
    });
    this.#lines = this.#process.lines();
  }

  /** The next thing that it says. */
  async next<T>(): Promise<T> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error("A process of the benchmark ended early");
    return value as T;
  }

  say(value: unknown): Promise<void> {
    return this.#process.say(value);
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }
}

/** Runs one benchmark from its first process to its last. */
export async function run(plan: Plan): Promise<Result[]> {
  const children: Child[] = [];
  const start = (program: string, argument: unknown) => {
    const text = typeof argument === "string"
      ? argument
      : JSON.stringify(argument);
    const child = new Child(plan, program, text);
    children.push(child);
    return child;
  };
  try {
    const [echo] = await start("peer.ts", "echo").next<[string]>();
    let rings: RingOptions[] = [
      { subnet: "of three", replicas: 3 },
      { subnet: "of one", replicas: 1 },
    ];
    // The last node is the process that measures.
    for (let node = 1; node < plan.nodes; node++) {
      const seeds = await start("peer.ts", rings).next<string[]>();
      rings = rings.map((ring, i) => ({ seed: seeds[i]!, ...ring }));
    }
    const peers = [...children];
    const { rounds, scale } = plan;
    const options: ClientOptions = {
      echo,
      rings: [rings[0]!, rings[1]!],
      rounds,
      scale,
    };
    const client = start("client.ts", options);
    for (;;) {
      const said = await client.next<"cpu" | Result[]>();
      if (said !== "cpu") return said;
      const times = await Promise.all(peers.map(async (peer) => {
        await peer.say("cpu");
        return await peer.next<number>();
      }));
      await client.say(times.reduce((sum, ms) => sum + ms, 0));
    }
  } finally {
    await Promise.all(children.map((child) => child.kill()));
  }
}
