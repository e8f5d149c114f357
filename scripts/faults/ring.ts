/**
 * The processes of one fault run: each is started behind a proxy of its own,
 * and ended, whatever happens, by its id.
 *
 * @module
 */
import { Child } from "../children.ts";
import type { NodeSettings, Said, Snapshot } from "./node.ts";
import { Proxies } from "./proxy.ts";

const PROGRAM = new URL("./node.ts", import.meta.url);
const CONNECT_TRIES_MAX = 10;
const CONNECT_RETRY_MS = 500;

/** One place in the ring, and the process that runs there. */
export interface Place {
  readonly name: string;
  /** The proxy's. */
  readonly url: string;
  /** Where the node itself listens; 0 until it has. */
  port: number;
  /** `undefined` while none runs. */
  child: Child | undefined;
  /** What lets it go on once its input ends; `undefined`: it has not stopped. */
  stopped: Deno.ChildProcess | undefined;
  /** Whether its process has joined, so that others may ask it to. */
  isMember: boolean;
}

/** Every process that runs for any ring. */
const running = new Set<Child>();

/** Ends all processes at once, without waiting. */
export function killAll(): void {
  for (const child of running) child.signal("SIGKILL");
}

/** Waits. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Nodes that are processes, with proxies between all of them. */
export class ProcessRing implements AsyncDisposable {
  readonly proxies = new Proxies();
  readonly places: Place[] = [];
  readonly #replicas: number;
  /** Places there have been so far. */
  #count = 0;

  constructor(replicas: number) {
    this.#replicas = replicas;
  }

  /** Places whose process runs, stopped ones included. */
  get up(): Place[] {
    return this.places.filter(({ child }) => child !== undefined);
  }

  /** Places whose process can answer. */
  get awake(): Place[] {
    return this.up.filter(({ stopped }) => stopped === undefined);
  }

  /** Starts `count` nodes; the first one founds the ring. */
  async boot(count: number): Promise<void> {
    const first = this.#place();
    await this.start(first);
    const rest = Array.from({ length: count - 1 }, () => this.#place());
    await Promise.all(rest.map((place) => this.start(place)));
  }

  /** A new process at a place, on the port of the one before; it joins. */
  async start(place: Place): Promise<void> {
    const { name, url } = place;
    const settings: NodeSettings = { name, url, replicas: this.#replicas };
    const child = new Child(name, PROGRAM, [JSON.stringify(settings)]);
    running.add(child);
    place.port = await child.call<number>("listen", place.port);
    this.proxies.aim(name, place.port);
    const contacts = this.awake.filter(({ isMember }) => isMember);
    place.child = child;
    if (contacts.length > 0) await this.#connect(child, contacts);
    must(name, "join", await child.call<Said<void>>("join"));
    place.isMember = true;
  }

  /** A new place, with another url and port than any before. */
  add(): Promise<void> {
    return this.start(this.#place());
  }

  /** The process ends as in a crash. */
  async kill(place: Place): Promise<void> {
    const { child } = place;
    place.child = undefined;
    place.isMember = false;
    if (child === undefined) return;
    await child.kill();
    await this.resume(place);
    running.delete(child);
  }

  /** The place is given up. */
  forget(place: Place): void {
    this.places.splice(this.places.indexOf(place), 1);
    this.proxies.shut(place.name);
  }

  /** The process stands still, at most until this program ends. */
  stop(place: Place): void {
    const { child } = place;
    if (child === undefined || place.stopped !== undefined) return;
    const waker = new Deno.Command("sh", {
      args: ["-c", `read line; kill -CONT ${child.pid}`],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    place.stopped = waker;
    child.signal("SIGSTOP");
  }

  /** The process goes on. */
  async resume(place: Place): Promise<void> {
    const waker = place.stopped;
    place.stopped = undefined;
    await waker?.stdin.close();
    await waker?.status;
  }

  /** What the nodes that are awake are and hold, by name. */
  snapshots(): Promise<Map<string, Snapshot>> {
    return Promise.all(
      this.awake.map(async ({ name, child }): Promise<[string, Snapshot]> => [
        name,
        await child!.call<Snapshot>("snapshot"),
      ]),
    ).then((all) => new Map(all));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.places.map((place) => this.kill(place)));
    this.proxies.close();
  }

  #place(): Place {
    const name = `N${++this.#count}`;
    const url = this.proxies.open(name);
    const place: Place = {
      name,
      url,
      port: 0,
      child: undefined,
      stopped: undefined,
      isMember: false,
    };
    this.places.push(place);
    return place;
  }

  /** As an application with a list of urls would. */
  async #connect(child: Child, contacts: readonly Place[]): Promise<void> {
    for (let tries = 0;; tries++) {
      const { url } = contacts[tries % contacts.length]!;
      const said = await child.call<Said<void>>("connect", url);
      if (!("error" in said) || tries === CONNECT_TRIES_MAX) {
        return must(child.name, "connect", said);
      }
      await sleep(CONNECT_RETRY_MS);
    }
  }
}

function must(name: string, what: string, said: Said<void>): void {
  if (!("error" in said)) return;
  throw new Error(`${name} cannot ${what}: ${said.error}`);
}
