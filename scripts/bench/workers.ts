/**
 * The processes of a benchmark: programs of this folder, each run by the runtime
 * that is measured, that say lines of JSON and are given some.
 *
 * @module
 */
import { LineProcess } from "../children.ts";
import { type Runtime, RUNTIMES_FOLDER } from "../runtimes_found.ts";

const PERMISSIONS = ["--allow-net=127.0.0.1", "--allow-env", "--allow-read"];
/** With it a program may ask for a collection of garbage, whose cost is known. */
const COLLECTS: Readonly<Record<string, readonly string[]>> = {
  deno: ["--v8-flags=--expose-gc"],
  bun: [],
  node: ["--expose-gc"],
};

/** What a process runs on. */
export interface Place {
  readonly runtime: Runtime;
  /** The only core that it may use; `undefined`: any. */
  readonly core: number | undefined;
}

/** One process of a benchmark. */
export class Worker {
  readonly #process: LineProcess;
  readonly #lines: AsyncGenerator<unknown, void, void>;

  /** @param program a file of this folder; it is given `options` as JSON */
  constructor({ runtime, core }: Place, program: string, options: unknown) {
    const { name, path } = runtime;
    const command = [
      ...core === undefined ? [] : ["taskset", "-c", String(core)],
      path,
      ...name === "deno" ? ["run", "--quiet", "--no-check"] : [],
      ...COLLECTS[name.replace(/\d+$/, "")] ?? [],
      ...name === "deno" ? PERMISSIONS : [],
      new URL(program, import.meta.url).pathname,
      JSON.stringify(options),
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

  /** Says something, and gives the answer. */
  async ask<T>(question: unknown): Promise<T> {
    await this.say(question);
    return await this.next<T>();
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }
}

/** Processes that end together. */
export class Workers {
  readonly #place: Place;
  readonly all: Worker[] = [];

  constructor(place: Place) {
    this.#place = place;
  }

  start(program: string, options: unknown): Worker {
    const worker = new Worker(this.#place, program, options);
    this.all.push(worker);
    return worker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((worker) => worker.kill()));
  }
}

/**
 * The first core that this process may use, to keep others on it; `undefined`
 * where there is no `taskset`.
 */
export async function firstCore(): Promise<number | undefined> {
  try {
    const { stdout } = await new Deno.Command("taskset", {
      args: ["-cp", String(Deno.pid)],
    }).output();
    const list = /: (\d+)/.exec(new TextDecoder().decode(stdout));
    return list === null ? undefined : Number(list[1]);
  } catch {
    return undefined;
  }
}
