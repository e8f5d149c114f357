/**
 * A dict shared by every process of an application, with no server to run.
 *
 * Each process is a node of a ring, and the ring holds the data, each entry on
 * several nodes. `listen` is in the entry point of the runtime.
 *
 * @example Two nodes
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ChordSocket, text } from "@chord/dict";
 * import { listen } from "@chord/dict/deno";
 *
 * await using first = new ChordSocket({ subnet: "tutorial", values: text });
 * const { url } = await listen(first, { hostname: "127.0.0.1", port: 0 });
 * await first.join();
 *
 * await using second = new ChordSocket({ subnet: "tutorial", values: text });
 * await second.connect(url); // any one member introduces you to all
 * await second.join(); // from now on this node stores its share
 *
 * await first.set("greeting", "hello");
 * assertEquals(await second.get("greeting", null), "hello");
 * ```
 *
 * @module
 */
export type { Clock } from "./src/base/clock.ts";
export {
  bytes,
  type Codec,
  type Input,
  json,
  text,
} from "./src/base/codecs.ts";
export {
  AbortError,
  type Applied,
  AuthError,
  ChordError,
  ClockError,
  ClosedError,
  ConnectionError,
  DirectoryError,
  type ErrorCode,
  InsufficientReplicasError,
  KeyNotFoundError,
  LeaseError,
  ListenError,
  NoPeerError,
  OverloadedError,
  ProtocolError,
  SelfConnectError,
  SubnetMismatchError,
  TimeoutError,
  UnknownOutcomeError,
  UpdateError,
  VersionError,
} from "./src/base/errors.ts";
export type { Limits, Timings } from "./src/base/options.ts";
export type { Random } from "./src/base/random.ts";
export { ChordSocket } from "./src/dict/chord_socket.ts";
export type { DictSocket } from "./src/dict/dict_socket.ts";
export type * from "./src/dict/driver/options.ts";
export type { DictView } from "./src/dict/driver/scan.ts";
export type * from "./src/dict/driver/watch.ts";
export { SyncSocket } from "./src/dict/sync_socket.ts";
export type { ReadMode } from "./src/dict/operations.ts";
export type {
  Json,
  MessageHandler,
  Packet,
} from "./src/mesh/driver/message.ts";
export type { Message } from "./src/mesh/driver/message.ts";
export type * from "./src/mesh/driver/options.ts";
export type * from "./src/mesh/driver/views.ts";
export { MeshSocket } from "./src/mesh/mesh_socket.ts";
export type { NodeStats } from "./src/mesh/node_machine.ts";
export type { WebSocketConstructor } from "./src/system.ts";
export { type Duplex, memoryPair } from "./src/transport/duplex.ts";
export type { WebSocketLike } from "./src/transport/websocket.ts";
