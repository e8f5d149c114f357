/** A fast sender and slow links: what waits is bounded, and links live on. */
import { assert, assertEquals } from "@std/assert";
import type { CallNumber } from "../../src/mesh/events.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { randomId } from "../../src/id/id.ts";
import type { Letter } from "../../src/wire/messages.ts";
import { Network, type Station } from "./harness.ts";

const random = new SeededRandom(1, "letters");
const MIB = 1024 * 1024;

function letter(bytes: number): Letter {
  return {
    id: randomId(random),
    time: 1,
    inReplyTo: undefined,
    packets: [{ kind: 0, bytes: new Uint8Array(bytes) }],
  };
}

function send(net: Network, from: Station, bytes: number): CallNumber {
  return net.call(from, { type: "cast", letter: letter(bytes) });
}

/** Sends one after the other, each once the last is on its way. */
function sendEach(net: Network, from: Station, count: number): number {
  let most = 0;
  for (let i = 0; i < count; i++) {
    const call = send(net, from, MIB - 1024);
    net.until(() => from.endings.has(call), 10_000);
    assert("value" in from.endings.get(call)!);
    for (const { machine } of net.stations) {
      most = Math.max(most, machine.stats.queuedBytes);
    }
  }
  return most;
}

function disconnects(net: Network): number {
  return net.stations.flatMap(({ notices }) => notices)
    .filter(({ type }) => type === "disconnect").length;
}

function lagOf({ notices }: Station): number {
  const lags = notices.filter((notice) => notice.type === "lagged");
  return lags.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

Deno.test("a sender that awaits each send is slowed to what its links take", () => {
  const net = new Network(1);
  const [origin, ...others] = net.mesh(3) as [Station, ...Station[]];
  net.frameMs = 5; // 13 MiB/s
  const startMs = net.nowMs;
  const most = sendEach(net, origin, 60);
  assert(net.nowMs - startMs > 3_000, "it waited");
  assert(most <= 2 * 6 * MIB, `${most} bytes waited`);
  net.run(20_000);
  for (const station of others) {
    assertEquals(station.letters.length + lagOf(station), 60);
    assertEquals(lagOf(station), 0);
  }
  assertEquals(disconnects(net), 0);
});

Deno.test("where others hand on, their links live too, and who misses some is told", () => {
  const net = new Network(2);
  const [origin, ...others] = net.mesh(24) as [Station, ...Station[]];
  net.frameMs = 5;
  sendEach(net, origin, 30);
  net.run(60_000);
  for (const station of others) {
    assertEquals(station.letters.length + lagOf(station), 30);
  }
  assertEquals(disconnects(net), 0);
});

Deno.test("one node that takes nothing does not stop the others for long", () => {
  const net = new Network(3);
  const [origin, stuck, other] = net.mesh(3) as [Station, Station, Station];
  // Its transport takes no frame any more, and does not end either.
  const end = [...origin.ends.values()].find((end) =>
    end.other?.node === stuck
  );
  end!.isPumping = true;
  const startMs = net.nowMs;
  const most = sendEach(net, origin, 10);
  assert(net.nowMs - startMs < 20_000, `${net.nowMs - startMs} ms`);
  assert(most <= 6 * MIB, `${most} bytes waited`);
  net.run(1_000);
  assertEquals([other.letters.length, lagOf(other)], [10, 0]);
});

Deno.test("sends that nobody awaits are refused when too much waits", () => {
  const net = new Network(4);
  const [origin] = net.mesh(3) as [Station];
  net.frameMs = 1_000;
  const calls = Array.from(
    { length: 100 },
    () => send(net, origin, MIB - 1024),
  );
  const refused = calls.map((call) => origin.endings.get(call))
    .filter((ending) => ending !== undefined && "error" in ending);
  assert(refused.length >= 20, `${refused.length} were refused`);
  for (const ending of refused) {
    const { code, applied } =
      (ending as { error: { code: string; applied: string } })
        .error;
    assertEquals([code, applied], ["overloaded", "no"]);
  }
  assert(origin.machine.stats.sendsWaiting <= 64);
  net.call(origin, { type: "close" });
  assertEquals(origin.machine.stats.sendsWaiting, 0);
  for (const call of calls) assert(origin.endings.has(call));
});
