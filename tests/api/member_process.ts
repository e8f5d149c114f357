import { listen } from "@chord/dict/deno";
import { textSocket } from "./fixture.ts";

const sock = textSocket();
const { url } = await listen(sock);
if (Deno.args[0]) await sock.connect(Deno.args[0]);
await sock.join();
await sock.settled();
const session = Deno.args[1]?.replace("--session=", "");
if (session) await sock.set(session, "here", { session: true });
console.log(url);
