/**
 * What the conformance cases need of the place they run in.
 *
 * The cases use the public API alone, and get the library handed in: so the
 * same lists judge the sources, an installed package and a bundle, on any
 * runtime. They bring no test framework and no runtime's globals, and nothing
 * newer than what Node 20 and workerd have.
 *
 * @module
 */
import type { bytes, json, text } from "../../base/codecs.ts";
import type { ChordError } from "../../base/errors.ts";
import type { ChordSocket } from "../../dict/chord_socket.ts";
import type { SyncSocket } from "../../dict/sync_socket.ts";
import type { MeshSocket } from "../../mesh/mesh_socket.ts";
import type { memoryPair } from "../../transport/duplex.ts";
import type { WebSocketLike } from "../../transport/websocket.ts";

/** The library under test, as its users import it. */
export interface Library {
  readonly ChordError: typeof ChordError;
  readonly ChordSocket: typeof ChordSocket;
  readonly MeshSocket: typeof MeshSocket;
  readonly SyncSocket: typeof SyncSocket;
  readonly bytes: typeof bytes;
  readonly json: typeof json;
  readonly memoryPair: typeof memoryPair;
  readonly text: typeof text;
}

/** A socket of text keys and text values. */
export type TextSocket = ChordSocket<string, string>;

/** What a runtime's `listen` gives. */
export interface Listening {
  readonly hostname: string;
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/** An HTTP server that an application runs itself. */
export interface OwnServer {
  readonly port: number;
  close(): Promise<void>;
}

/** A ring and others that run in another process, on the same machine. */
export interface Outside {
  /**
   * A member of a ring of two or more, of the subnet "outside" and text keys
   * and values. It answers each message whose first packet is "echo" with the
   * packets that came.
   */
  readonly url: string;
  /** Takes WebSockets and never says a word. */
  readonly muteUrl: string;
  /** An HTTP server that takes no WebSockets. */
  readonly pagesUrl: string;
  /** Nobody listens there. */
  readonly nobodyUrl: string;
}

/** What a case may need and a runtime may lack. */
export type Need = "listen" | "outside" | "serve" | "webSocket";

/** The place where the cases run. */
export interface Subject {
  readonly runtime: string;
  readonly library: Library;
  /** The `listen` of the runtime's entry point. */
  readonly listen?: (
    sock: MeshSocket,
    options?: { readonly hostname?: string; readonly port?: number },
  ) => Promise<Listening>;
  /**
   * An HTTP server on 127.0.0.1 and a free port, made with the entry point's
   * `upgrade`: WebSockets at `/peers` for the socket, "a page" at any other
   * path.
   */
  readonly serve?: (sock: MeshSocket) => Promise<OwnServer>;
  /** What dials here, without this library. */
  readonly webSocket?: new (url: string) => WebSocketLike;
  readonly outside?: Outside;
  /** Why something is not there; who lacks it must say. */
  readonly lacks?: Readonly<Partial<Record<Need, string>>>;
  /** Cases that cannot pass here, by name, and why. */
  readonly skips?: Readonly<Record<string, string>>;
}

/** A subject that has what the needs of a case name. */
export type Having<N extends Need> =
  & Subject
  & { readonly [K in N]-?: NonNullable<Subject[K]> };

/** One thing that is true on every runtime. */
export interface Case {
  readonly name: string;
  readonly needs: readonly Need[];
  /** Resolves when it is true; rejects with what is wrong. */
  run(subject: Subject): Promise<void>;
}

/** A case for every place. */
export function always(
  name: string,
  run: (subject: Subject) => Promise<void>,
): Case {
  return { name, needs: [], run };
}

/** A case for places that have something. */
export function having<const N extends Need>(
  needs: readonly N[],
  name: string,
  run: (subject: Having<N>) => Promise<void>,
): Case {
  return { name, needs, run: (subject) => run(subject as Having<N>) };
}
