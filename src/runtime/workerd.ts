/**
 * Nodes on Cloudflare Workers, and wherever else workerd runs.
 *
 * A Durable Object is a member ({@linkcode ChordObject}). A Worker is a leaf
 * for as long as one request takes: it connects, works and closes. It costs
 * every member a record of a node that came and went; where there are many
 * requests, have an object do the work instead.
 *
 * Nothing can listen on a port here, so there is no `listen`: requests come by
 * the platform, and {@linkcode upgrade} takes them.
 *
 * @example A Worker that reads a key
 * ```ts ignore
 * import { ChordSocket, text } from "@chord/dict";
 *
 * export default {
 *   async fetch(_request: Request, env: { MEMBER: string }): Promise<Response> {
 *     await using dict = new ChordSocket({ keys: text, values: text });
 *     await dict.connect(env.MEMBER);
 *     return new Response(await dict.get("greeting", "nothing"));
 *   },
 * };
 * ```
 *
 * @module
 */
import { type MeshSocket, reportTo } from "../mesh/mesh_socket.ts";
import {
  isUpgrade,
  upgraded,
  upgradeRequired,
  webSocketPair,
} from "./workerd/platform.ts";

export { ChordObject } from "./workerd/chord_object.ts";
export type { ChordObjectOptions } from "./workerd/life.ts";
export type {
  AcceptedWebSocket,
  ObjectState,
  ObjectStorage,
} from "./workerd/platform.ts";
export { dialBy, type FetchPeer } from "./workerd/sockets.ts";

/**
 * Takes a WebSocket inside an object of one's own. The socket lives as long as
 * the object is in memory, or the request of a Worker takes, and needs a `url`
 * by which peers reach it.
 *
 * @returns what must be answered: 426 to a request that is no upgrade
 *
 * @example An object that takes peers
 * ```ts
 * import { ChordSocket } from "@chord/dict";
 * import { upgrade } from "@chord/dict/workerd";
 *
 * export class Room {
 *   readonly #sock = new ChordSocket({ url: "wss://example.com/room" });
 *
 *   fetch(request: Request): Response {
 *     return upgrade(this.#sock, request);
 *   }
 * }
 * ```
 */
export function upgrade(sock: MeshSocket, request: Request): Response {
  if (!isUpgrade(request)) return upgradeRequired();
  const [client, server] = webSocketPair();
  server.accept();
  sock.accept(server).catch((error) => {
    if (sock.status.state !== "closed") reportTo(sock, error);
  });
  return upgraded(client);
}
