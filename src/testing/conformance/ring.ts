/**
 * Nodes for the conformance cases, connected in the way that the place allows.
 *
 * @module
 */
import type { ChordOptions } from "../../dict/driver/options.ts";
import type { MeshSocket } from "../../mesh/mesh_socket.ts";
import { until } from "./check.ts";
import type { Subject, TextSocket } from "./subject.ts";

type Options = Omit<ChordOptions<string, string>, "keys" | "values">;

/** A socket of text keys and text values; not connected to anybody. */
export function textSocket(
  { library }: Subject,
  options: Options = {},
): TextSocket {
  const { ChordSocket, text } = library;
  return new ChordSocket({ ...options, keys: text, values: text });
}

/** Connects two nodes: over a port if nodes can listen here, else in memory. */
export async function link(
  { listen, library }: Subject,
  from: MeshSocket,
  to: MeshSocket,
): Promise<void> {
  if (listen === undefined) {
    const [left, right] = library.memoryPair();
    await Promise.all([from.attach(left), to.attach(right)]);
    return;
  }
  if (to.url === "") await listen(to);
  await from.connect(to.url);
}

/** Gives `run` sockets that are closed when it is over, however it ends. */
export async function withSockets<S extends MeshSocket>(
  sockets: readonly S[],
  run: (...sockets: S[]) => Promise<void>,
): Promise<void> {
  try {
    await run(...sockets);
  } finally {
    await Promise.all(sockets.map((sock) => sock.close()));
  }
}

/** Members and leaves that belong together. */
export class Ring {
  readonly nodes: TextSocket[] = [];
  readonly #subject: Subject;

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  get first(): TextSocket {
    return this.nodes[0]!;
  }

  /** One more member, that all others know once `agreed`. */
  async member(options: Options = {}): Promise<TextSocket> {
    const sock = await this.#node(options);
    if (this.#subject.listen !== undefined && sock.url === "") {
      await this.#subject.listen(sock);
    }
    await sock.join();
    return sock;
  }

  /** One more node that uses the dict and stores nothing. */
  leaf(options: Options = {}): Promise<TextSocket> {
    return this.#node(options);
  }

  /** Resolves once all nodes see `count` members, and these have their copies. */
  async agreed(count: number): Promise<void> {
    const open = this.nodes.filter(({ status }) => status.state !== "closed");
    await until(
      `${count} members are in everybody's ring`,
      () => open.every(({ ring }) => ring.length === count),
    );
    await Promise.all(open.map((node) => node.settled()));
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }

  async #node(options: Options): Promise<TextSocket> {
    const others = [...this.nodes];
    const sock = textSocket(this.#subject, options);
    this.nodes.push(sock);
    // A node finds the others over the first, unless nobody can be dialled.
    const targets = this.#subject.listen === undefined
      ? others.filter(({ status }) => status.state !== "closed")
      : others.slice(0, 1);
    for (const target of targets) await link(this.#subject, sock, target);
    return sock;
  }
}

/** Gives `run` a ring of so many members. */
export async function withRing(
  subject: Subject,
  members: number,
  run: (ring: Ring) => Promise<void>,
  options: Options = {},
): Promise<void> {
  const ring = new Ring(subject);
  try {
    for (let i = 0; i < members; i++) await ring.member(options);
    await ring.agreed(members);
    await run(ring);
  } finally {
    await ring.close();
  }
}
