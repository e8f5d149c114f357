import { type Runtime, RUNTIMES_FOLDER } from "../../scripts/runtimes_found.ts";
import type { Answer, RemoteNode } from "./commands.ts";
import { valueOf } from "./commands.ts";

const root = new URL("../../", import.meta.url);

/** What a node in a process of its own is told. */
export interface MemberOptions {
  readonly subnet?: string;
  /** Whom to connect to. */
  readonly seeds?: readonly string[];
  /** It does not listen, and does not join. */
  readonly isLeaf?: boolean;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly timings?: Readonly<Record<string, number>>;
}

/** What a runtime loads. */
export interface MemberModules {
  /** `member_main.ts`, compiled or not. */
  readonly main: string;
  readonly library: string;
  /** Empty for a leaf that needs none. */
  readonly entry: string;
  /** A folder of packages that are not beside the library; empty for none. */
  readonly packages: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The sources as they are, for Deno, Bun, and Node from 22.18 on. */
export function sourcesFor({ name }: Runtime): MemberModules {
  const entry = name.startsWith("node") ? "node" : name;
  return {
    main: new URL("tests/runtimes/member_main.ts", root).pathname,
    library: new URL("mod.ts", root).href,
    entry: new URL(`src/runtime/${entry}.ts`, root).href,
    packages: new URL("node_modules", RUNTIMES_FOLDER).pathname,
  };
}

/** A node in a process of its own. */
export class Member implements RemoteNode, AsyncDisposable {
  readonly name: string;
  url = "";
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  readonly #first: Promise<Answer>;
  #commands = 0;

  /** Use {@linkcode Member.start}. */
  constructor(name: string, process: Deno.ChildProcess) {
    this.name = name;
    this.#process = process;
    this.#input = process.stdin.getWriter();
    const first = Promise.withResolvers<Answer>();
    this.#first = first.promise;
    this.#read(first.resolve).catch(() => {}).then(() => {
      const over = { error: "the process has ended" };
      first.resolve(over);
      for (const { resolve } of this.#waiting.values()) resolve(over);
    });
  }

  /** @throws {Error} What the node says when it cannot start */
  static async start(
    runtime: Runtime,
    options: MemberOptions = {},
    modules: MemberModules = sourcesFor(runtime),
  ): Promise<Member> {
    const { main, library, entry, packages } = modules;
    const isDeno = runtime.name === "deno";
    const flags = ["run", "--quiet", "--no-prompt", "--allow-all"];
    const process = new Deno.Command(runtime.path, {
      args: (isDeno ? flags : [])
        .concat(main, library, entry, JSON.stringify(options)),
      env: {
        DENO_NO_UPDATE_CHECK: "1",
        ...packages !== "" && { NODE_PATH: packages },
        ...modules.env,
      },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const member = new Member(runtime.name, process);
    try {
      member.url = valueOf(member.name, await member.#first);
    } catch (error) {
      await process.status; // By itself: a failed start leaves nothing running.
      throw error;
    }
    return member;
  }

  async call<T>(command: string, ...args: readonly unknown[]): Promise<T> {
    const id = this.#commands++;
    const answer = Promise.withResolvers<Answer>();
    this.#waiting.set(id, answer);
    const line = JSON.stringify({ id, command, args }) + "\n";
    this.#input.write(new TextEncoder().encode(line)).catch(() => {});
    return valueOf<T>(this.name, await answer.promise);
  }

  /** Makes it stop dead, as a laptop that is closed does. */
  suspend(): void {
    this.#process.kill("SIGSTOP");
  }

  resume(): void {
    this.#process.kill("SIGCONT");
  }

  /** Closes the node; gives the exit code, once the process ended by itself. */
  async close(): Promise<number> {
    await this.call("close");
    return (await this.#process.status).code;
  }

  /** Ends the process at once, as a crash does. */
  async stop(): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#process.status;
    await this.#input.abort().catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #read(onFirst: (answer: Answer) => void): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#process.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true }))
        .split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const { id, ...answer } = JSON.parse(line);
        if (id === undefined) onFirst(answer);
        else {
          this.#waiting.get(id)?.resolve(answer);
          this.#waiting.delete(id);
        }
      }
    }
  }
}
