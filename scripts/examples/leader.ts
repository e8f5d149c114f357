/**
 * One of all leads, and when it is gone another one:
 *
 *     deno run --allow-net=127.0.0.1 scripts/examples/leader.ts NAME [URL]
 *
 * @module
 */
import { ChordSocket, LeaseError, text } from "@chord/dict";
import { listen } from "@chord/dict/deno";

const leaseMs = 2_000;
const [name = "somebody", url] = Deno.args;
const sock = new ChordSocket({
  subnet: "leader",
  leasing: true,
  leaseMs,
  values: text,
});
const own = await listen(sock, { hostname: "127.0.0.1", port: 0 });
if (url !== undefined) await sock.connect(url);
await sock.join();
console.log(`others run with ${own.url}`);

let leadsUntilMs = 0;
let leader = "";
for (;;) {
  // From before the write on: never longer than the holders count.
  const startMs = performance.now();
  try {
    await sock.set("leader", name, { timeoutMs: leaseMs / 2 });
    if (startMs >= leadsUntilMs) console.log(`${name} leads`);
    leadsUntilMs = startMs + leaseMs; // Work as a leader only until then.
  } catch (error) {
    if (!(error instanceof LeaseError)) console.error(error);
    else if (error.owner !== leader) {
      leader = error.owner;
      console.log(`${name} follows ${leader}`);
    }
  }
  await new Promise((resolve) => setTimeout(resolve, leaseMs / 4));
}
