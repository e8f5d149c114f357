/**
 * Who is here:
 *
 *     deno run --allow-net=127.0.0.1 scripts/examples/presence.ts NAME [URL]
 *
 * @module
 */
import { ChordSocket, text } from "@chord/dict";
import { listen } from "@chord/dict/deno";

const [name = "somebody", url] = Deno.args;
const people = new ChordSocket({
  subnet: "presence",
  keys: text,
  values: text,
});
const own = await listen(people, { hostname: "127.0.0.1", port: 0 });
if (url !== undefined) await people.connect(url);
await people.join();

/** The entry goes when this process does, however it ends. */
const come = () => people.set(name, own.url, { session: true });
people.on("add", (_, who) => console.log(`${who} has come`));
people.on("delete", (_, who) => {
  console.log(`${who} has gone`);
  // The others took this node for dead, as when a laptop sleeps.
  if (who === name) come().catch(console.error);
});

for await (const [who] of people) console.log(`${who} is here`);
await come();
console.log(`others come with ${own.url}`);
