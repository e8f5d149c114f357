import type { Runtime } from "../../../scripts/runtimes_found.ts";

/** What a process of workerd runs. */
export interface WorkerdProgram {
  /** The module, in JavaScript; its default export takes requests. */
  readonly module: string;
  /** The class of its objects, bound as `MEMBERS`. */
  readonly className?: string;
  /** Bound by their names. */
  readonly texts?: Readonly<Record<string, string>>;
  /** How many ports there are besides the first. */
  readonly extraPorts?: number;
}

/** The days of the platform whose behaviour is asked for. */
export const COMPATIBILITY_DATE = "2026-11-01";

/** How long a start may take. */
const START_MS_MAX = 20_000;

function configOf(
  { className, texts = {}, extraPorts = 0 }: WorkerdProgram,
  port: number,
): string {
  const sockets = Array.from(
    { length: 1 + extraPorts },
    (_, i) =>
      `(name = "${i}", address = "127.0.0.1:${i === 0 ? port : 0}", ` +
      `http = (), service = "main")`,
  );
  const bindings = Object.entries(texts).map(([name, text]) =>
    `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(text)})`
  );
  if (className !== undefined) {
    bindings.push(
      `(name = "MEMBERS", durableObjectNamespace = "${className}")`,
    );
  }
  const namespaces = className === undefined
    ? ""
    : `(className = "${className}", uniqueKey = "members", enableSql = true)`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "disk", disk = (path = "state", writable = true)),
    (name = "internet", network = (allow = ["local"])),
  ],
  sockets = [${sockets.join(", ")}],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  durableObjectNamespaces = [${namespaces}],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [${bindings.join(", ")}],
);
`;
}

/** A process of workerd, and the folder with the storage of its objects. */
export class Workerd implements AsyncDisposable {
  readonly #runtime: Runtime;
  readonly #program: WorkerdProgram;
  readonly #folder: string;
  #process: Deno.ChildProcess | undefined;
  #output: Promise<void> | undefined;
  #ports: number[] = [0];

  constructor(
    runtime: Runtime,
    program: WorkerdProgram,
    folder: string,
  ) {
    this.#runtime = runtime;
    this.#program = program;
    this.#folder = folder;
  }

  static async start(
    runtime: Runtime,
    program: WorkerdProgram,
  ): Promise<Workerd> {
    const folder = await Deno.makeTempDir({ prefix: "chord_dict_workerd_" });
    const workerd = new Workerd(runtime, program, folder);
    await Deno.mkdir(`${folder}/state`);
    await Deno.writeTextFile(`${folder}/worker.js`, program.module);
    await workerd.restart();
    return workerd;
  }

  /** `127.0.0.1` and the port, the same after each start. */
  get host(): string {
    return `127.0.0.1:${this.#ports[0]}`;
  }

  /** The ports besides the first, others after each start. */
  get extraPorts(): readonly number[] {
    return this.#ports.slice(1);
  }

  /** Starts the process, again if it was killed. */
  async restart(): Promise<void> {
    const config = configOf(this.#program, this.#ports[0]!);
    await Deno.writeTextFile(`${this.#folder}/config.capnp`, config);
    const process = new Deno.Command(this.#runtime.path, {
      args: ["serve", "config.capnp", "--control-fd=1"],
      cwd: this.#folder,
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#process = process;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => reject(new Error(`workerd is not up after ${START_MS_MAX} ms`)),
      START_MS_MAX,
    );
    const wanted = 1 + (this.#program.extraPorts ?? 0);
    const ports: number[] = [];
    this.#output = read(process.stdout, (line) => {
      const told = listeningIn(line);
      if (told !== undefined) ports[told.socket] = told.port;
      if (Object.keys(ports).length === wanted) resolve();
      else if (told === undefined && line !== "") {
        console.log(`workerd: ${line}`);
      }
    });
    this.#output.then(() => reject(new Error("workerd has ended")));
    await promise.finally(() => clearTimeout(timer));
    this.#ports = ports;
  }

  /** Ends the process at once, as a crash does. */
  async kill(): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    try {
      process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await process.status;
    await this.#output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

async function read(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) onLine(line);
  }
}

/** A socket's number and its port, if the line is one that tells them. */
function listeningIn(
  line: string,
): { socket: number; port: number } | undefined {
  if (!line.startsWith(`{"event":"listen"`)) return undefined;
  const { socket, port } = JSON.parse(line);
  return { socket: Number(socket), port };
}
