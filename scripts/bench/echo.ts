/**
 * The limit to compare with: a WebSocket server that sends back what it gets.
 *
 * @module
 */
import { serveCommands } from "../children.ts";

const server = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: () => {},
}, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => socket.send(data);
  return response;
});

await serveCommands({
  listen: () => `ws://127.0.0.1:${server.addr.port}/`,
});
await server.shutdown();
