/**
 * A chat without a server: what one types, all others read.
 *
 *     deno run --allow-net=127.0.0.1 scripts/examples/chat.ts NAME [URL]
 *
 * @module
 */
import { MeshSocket } from "@chord/dict";
import { listen } from "@chord/dict/deno";

const [name = "somebody", url] = Deno.args;
const sock = new MeshSocket({ subnet: "chat" });
sock.registerHandler((message) => {
  const [what, who, said] = message.packets as string[];
  if (what === "hello") message.reply(["here", name]); // To the newcomer alone.
  console.log(what === "said" ? `${who}: ${said}` : `${who} is here`);
  return true;
});
sock.on("lagged", (_, count) => console.log(`(up to ${count} lines are lost)`));

const own = await listen(sock, { hostname: "127.0.0.1", port: 0 });
if (url !== undefined) await sock.connect(url);
await sock.send(["hello", name]);
console.log(`others come with ${own.url}`);

let rest = "";
for await (const some of Deno.stdin.readable) {
  const lines = (rest + new TextDecoder().decode(some)).split("\n");
  rest = lines.pop()!;
  for (const line of lines) await sock.send(["said", name, line]);
}
await sock.close();
