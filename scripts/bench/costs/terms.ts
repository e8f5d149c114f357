/**
 * What a process whose costs are measured takes and gives.
 *
 * @module
 */

/** What nodes are opened with. */
export interface Opening {
  readonly nodes: number;
  readonly replicas: number;
  readonly seed?: string;
}

/** What a process has used so far, of all its nodes. */
export interface Usage {
  readonly cpuMs: number;
  /** Of WebSocket messages, without what TCP and TLS add. */
  readonly bytesSent: number;
  readonly framesSent: number;
}

/** Bytes that a process has now, without garbage. */
export interface Memory {
  /** Of objects and arrays, as the runtime counts them. */
  readonly heap: number;
  /** Of memory, as the system counts it. */
  readonly resident: number;
}

/** Times of reads, all of keys that are there. */
export interface Reads {
  readonly count: number;
  /** Those that rejected. */
  readonly failed: number;
  /** Those that said that the key is not there. */
  readonly missed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Bytes of each message of a bare WebSocket. */
export const STREAM_BYTES = 65_536;
