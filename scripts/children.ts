/**
 * Nodes as OS processes of their own, driven by lines of JSON: commands go in
 * by standard input, answers and events come out by standard output.
 *
 * A process ends with its standard input, so none outlives the program that
 * started it, however that one ends; and whoever starts one ends it by its id.
 *
 * @module
 */

/** What a process says. */
export type Line =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string }
  | { readonly event: string; readonly key: string };

/** A process that says lines of JSON and is given some. */
export class LineProcess {
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  /** @param command the program, of whatever runtime, and its arguments */
  constructor(
    command: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#process = new Deno.Command(command[0]!, {
      args: command.slice(1),
      env: { DENO_NO_UPDATE_CHECK: "1", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** What it says, until it ends; to be read once. */
  async *lines(): AsyncGenerator<unknown, void, void> {
    let rest = "";
    const text = this.#process.stdout.pipeThrough(new TextDecoderStream());
    for await (const chunk of text) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) yield JSON.parse(line);
    }
  }

  async say(value: unknown): Promise<void> {
    const line = JSON.stringify(value) + "\n";
    await this.#input.write(new TextEncoder().encode(line));
  }

  /** Sends it a signal, unless it has ended by itself. */
  signal(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended by itself.
    }
  }

  /** Ends the process at once, as a crash does; resolves when it is gone. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#process.status;
    await this.#input.abort().catch(() => {});
  }

  /** Ends the process by the end of its input; resolves when it is gone. */
  async end(): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#process.status;
  }
}

/** A process that takes commands. */
export class Child {
  readonly name: string;
  /** Called for each event that the process tells. */
  onEvent: (event: string, key: string) => void = () => {};
  readonly #process: LineProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #commands = 0;
  #isOver = false;

  constructor(
    name: string,
    program: URL,
    args: readonly string[] = [],
    permissions: readonly string[] = ["--allow-net=127.0.0.1"],
  ) {
    this.name = name;
    this.#process = new LineProcess([
      Deno.execPath(),
      "run",
      "--quiet",
      "--no-prompt",
      ...permissions,
      program.href,
      ...args,
    ]);
    this.#listen().catch(() => {}).then(() => this.#over());
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Gives the command's value, or rejects with what the process said. */
  async call<T>(command: string, ...args: readonly unknown[]): Promise<T> {
    const id = this.#commands++;
    const answer = Promise.withResolvers<unknown>();
    if (this.#isOver) throw new Error(`Cannot ask ${this.name}: it has ended`);
    this.#waiting.set(id, answer);
    this.#process.say({ id, command, args }).catch(() => {});
    return await answer.promise as T;
  }

  /** Sends it a signal, unless it has ended by itself. */
  signal(signal: Deno.Signal): void {
    this.#process.signal(signal);
  }

  /** Ends the process at once, as a crash does; resolves when it is gone. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  /** Ends the process by the end of its input; resolves when it is gone. */
  end(): Promise<void> {
    return this.#process.end();
  }

  async #listen(): Promise<void> {
    for await (const line of this.#process.lines()) this.#take(line as Line);
  }

  #take(line: Line): void {
    if ("event" in line) return this.onEvent(line.event, line.key);
    const answer = this.#waiting.get(line.id);
    this.#waiting.delete(line.id);
    if ("error" in line) {
      answer?.reject(new Error(`${this.name} said: ${line.error}`));
    } else answer?.resolve(line.value);
  }

  #over(): void {
    this.#isOver = true;
    for (const { reject } of this.#waiting.values()) {
      reject(new Error(`Cannot ask ${this.name}: it has ended`));
    }
    this.#waiting.clear();
  }
}

/** The commands that a process knows. */
export type Commands = {
  readonly [command: string]: (...args: never[]) => unknown;
};

const encoder = new TextEncoder();

/** Writes one line; at once, so that the order is that of the calls. */
export function say(line: Line): void {
  const bytes = encoder.encode(JSON.stringify(line) + "\n");
  for (let at = 0; at < bytes.length;) {
    at += Deno.stdout.writeSync(bytes.subarray(at));
  }
}

/** In the process: carries out what comes in until the input ends. */
export async function serveCommands(commands: Commands): Promise<void> {
  const lines = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream());
  let rest = "";
  for await (const chunk of lines) {
    const whole = (rest + chunk).split("\n");
    rest = whole.pop()!;
    for (const line of whole) void answer(commands, line);
  }
}

async function answer(commands: Commands, line: string): Promise<void> {
  const { id, command, args } = JSON.parse(line);
  try {
    const value = await commands[command]!(...args as never[]);
    say({ id, value });
  } catch (error) {
    const words = error instanceof Error
      ? `${error.name}: ${error.message}`
      : String(error);
    say({ id, error: words });
  }
}
