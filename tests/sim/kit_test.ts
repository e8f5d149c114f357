import { assert, assertEquals, assertRejects } from "@std/assert";
import { ChordSocket, ClosedError, json, SyncSocket, text } from "@chord/dict";
import {
  type NodeGiven,
  simulate,
  type SimulateOptions,
  SimulationError,
  Violation,
} from "@chord/dict/testing";
import { nextTurn } from "../../src/testing/kit/turns.ts";

type Texts = ChordSocket<string, string>;

const texts = (given: NodeGiven): Texts =>
  new ChordSocket({ ...given, keys: text, values: text });

const five: SimulateOptions<Texts> = { seed: 7, nodes: 5, create: texts };

/** Everything at once, as often as in the worst of the library's own runs. */
const STORM = {
  ...{ crash: 2, powerLoss: 1, pause: 3, split: 1.5, oneWayCut: 1, reset: 10 },
  ...{ halfOpen: 5, blackHole: 2, clog: 5, slow: 1, refuse: 1, leave: 1 },
};

/** Why a simulation failed. */
async function failure(simulated: Promise<unknown>): Promise<unknown> {
  const error = await assertRejects(() => simulated, SimulationError);
  assert(error.message.includes(`seed: ${error.seed}`), error.message);
  return error.cause;
}

/** What a check found in a simulation that it failed. */
async function violation(simulated: Promise<unknown>): Promise<Violation> {
  const cause = await failure(simulated);
  assert(cause instanceof Violation, String(cause));
  return cause;
}

Deno.test("an hour of a simulated ring takes no hour, and its nodes are real sockets", async () => {
  const { value, virtualMs } = await simulate({
    seed: 7,
    nodes: 3,
    net: { latencyMs: [1, 20] },
  }, async (ring) => {
    const [first, , third] = ring.nodes;
    assert(first instanceof ChordSocket);
    await first.set("k", "v");
    const startMs = ring.clock.wallMs();
    await ring.pass(600_000);
    assertEquals(ring.clock.wallMs() - startMs, 600_000);
    return text.decode((await third!.get("k"))!);
  });
  assertEquals(value, "v");
  assert(virtualMs > 600_000 && virtualMs < 660_000, String(virtualMs));
});

Deno.test("a node that crashes takes nothing with it, and can be started again", async () => {
  await simulate(five, async (ring) => {
    const [first, second, third] = ring.nodes;
    await first!.set("k", "v");
    const waiting = assertRejects(() => second!.get("k"), ClosedError);
    ring.crash(second!);
    await waiting;
    assertEquals(second!.status.state, "closed");
    assertEquals(ring.nodes.length, 4);
    await ring.settled();
    assertEquals(third!.ring.length, 4);

    const again = await ring.start(second);
    assertEquals(again.url, second!.url);
    assert(again.id !== second!.id);
    assertEquals(await again.get("k"), "v");
    await ring.check();
    assertEquals(third!.ring.length, 5);
  });
});

Deno.test("a node that loses power is found out by its silence alone", async () => {
  const told = (end: "crash" | "losePower") =>
    simulate(five, async (ring) => {
      const [first, second] = ring.nodes;
      const fromMs = ring.clock.nowMs();
      const gone = new Promise<void>((resolve) => {
        first!.on("disconnect", () => resolve());
      });
      ring[end](second!);
      await gone;
      return ring.clock.nowMs() - fromMs;
    });
  const crashed = (await told("crash")).value;
  const silent = (await told("losePower")).value;
  assert(crashed < 100, `${crashed} ms`);
  assert(silent > 1_000, `${silent} ms`);
});

Deno.test("what a paused node is asked for happens when it goes on", async () => {
  await simulate(five, async (ring) => {
    const [first, second] = ring.nodes;
    const timer = { ranMs: 0 };
    ring.run((sock, clock) => {
      if (sock !== first) return;
      clock.setTimer(() => timer.ranMs = clock.nowMs(), 1_000);
    });
    const startMs = ring.clock.nowMs();
    ring.pause(first!, 2_000);
    await first!.set("k", "v");
    assert(ring.clock.nowMs() >= startMs + 2_000);
    assertEquals(timer.ranMs, startMs + 2_000);
    assertEquals(await second!.get("k"), "v");
  });
});

Deno.test("the groups of a split do not reach each other until it is healed", async () => {
  await simulate({ ...five, nodes: 4 }, async (ring) => {
    const [a, b, c, d] = ring.nodes;
    ring.split([a!, b!], [c!, d!]);
    await ring.pass(30_000); // until both sides have noticed
    const apart = await assertRejects(() => ring.settled(), Violation);
    assertEquals(apart.check, "oneRing");
    await a!.set("k", "left");
    await c!.set("k", "right"); // newer, so it wins
    assertEquals(await b!.get("k"), "left");
    ring.heal();
    await ring.settled();
    assertEquals(await b!.get("k"), "right");
    await ring.check();
  });
});

Deno.test("the same seed gives the same run, with secrets and through a storm", async () => {
  const run = (seed: number) =>
    simulate({
      ...{ seed, nodes: 4, faults: STORM },
      create: (given) =>
        new ChordSocket({
          ...{ ...given, keys: text, values: json },
          secret: "known to all of them",
        }),
    }, async (ring) => {
      let writes = 0;
      ring.run(async (sock, clock) => {
        for (;;) {
          const waitMs = 1_000 * ring.random();
          await new Promise<void>((done) => clock.setTimer(done, waitMs));
          await sock.set(`key ${writes++ % 10}`, sock.id)
            .catch((error) => assert("applied" in error, String(error)));
        }
      });
      await ring.pass(60_000);
      await ring.check();
      return writes;
    });
  const [one, two, three, other] = [
    ...[await run(3), await run(3), await run(3)],
    await run(4),
  ];
  assertEquals([two, three], [one, one]);
  assert(one!.traceHash !== other!.traceHash);
  assert(one!.value > 100, `${one!.value} writes`);
});

Deno.test("code that draws its own chance is another run each time", async () => {
  const run = () =>
    simulate(five, async (ring) => {
      await ring.nodes[0]!.set(`key ${Math.random()}`, "v");
    });
  const [one, two] = [await run(), await run()];
  assert(one.traceHash !== two.traceHash);
});

Deno.test("a turn ends when every promise that can go on has gone on", async () => {
  const steps = async (count: number) => {
    for (let i = 0; i < count; i++) await undefined;
    done.add(count);
  };
  const done = new Set<number>();
  for (let count = 1; count <= 200; count++) {
    // What the platform itself is busy with must not end a turn early.
    const busy = crypto.subtle.digest("SHA-256", new Uint8Array(8));
    steps(count * 10);
    await nextTurn();
    assert(done.has(count * 10), `${count * 10} steps`);
    await busy;
  }
});

Deno.test("the nodes may be SyncSockets, with codecs and leases of their own", async () => {
  await simulate({
    ...{ seed: 5, nodes: 3 },
    create: (given) =>
      new SyncSocket({ ...given, keys: text, values: json, leaseMs: 10_000 }),
  }, async (ring) => {
    const [a, b, c] = ring.nodes;
    await a!.set("k", { from: "a" });
    assertEquals(b!.get("k"), { from: "a" });
    await assertRejects(() => b!.set("k", 1));
    await ring.pass(11_000);
    await b!.set("k", 2);
    ring.crash(b!);
    const late = await ring.start();
    assertEquals([late.get("k"), c!.get("k")], [2, 2]);
    await ring.check();
    assertEquals([late.size(), c!.size()], [1, 1]);
  });
});

Deno.test("faults end nodes and start others, each with its program beside it", async () => {
  const { value } = await simulate({
    ...five,
    faults: { crash: 2, powerLoss: 1, leave: 2 },
  }, async (ring) => {
    const begun = new Set<string>();
    ring.run(async (sock, clock) => {
      begun.add(sock.id);
      await sock.set(`node ${sock.id}`, "was here");
      for (;;) {
        await new Promise<void>((done) => clock.setTimer(done, 1_000));
        await sock.has(`node ${sock.id}`); // rejects where a node has ended
      }
    });
    await ring.pass(300_000);
    await ring.check();
    assertEquals(ring.nodes.length, 5);
    assertEquals(await ring.nodes[0]!.size(), begun.size);
    return begun.size;
  });
  assert(value > 10, `${value} nodes`);
});

Deno.test("a check brings back what faults ended, and leaves alone what the code closed", async () => {
  await simulate({ ...five, faults: { crash: 30 } }, async (ring) => {
    const [, second, third] = ring.nodes;
    ring.crash(second!);
    await third!.close();
    await ring.pass(5_000);
    await ring.check();
    assertEquals(ring.nodes.length, 3);
    const gone = [second!.url, third!.url];
    assert(ring.nodes.every(({ url }) => !gone.includes(url)));
  });
});

Deno.test("a watch hears what happens on a simulated ring", async () => {
  await simulate(five, async (ring) => {
    const [first, second] = ring.nodes;
    const changes = first!.watch({ prefix: "room/" });
    await changes.ready;
    await second!.set("room/1", "hello");
    for await (const event of changes) {
      assertEquals(event.type === "set" && event.value, "hello");
      break;
    }
  });
});

Deno.test("code that fails ends the simulation with its error, and closes all nodes", async () => {
  const nodes: Texts[] = [];
  const mistake = new TypeError("not a number");
  const cause = await failure(simulate(five, async (ring) => {
    nodes.push(...ring.nodes);
    await ring.pass(1_000);
    throw mistake;
  }));
  assert(cause === mistake);
  assertEquals(
    nodes.map(({ status }) => status.state),
    Array(5).fill("closed"),
  );
});

Deno.test("an error of a program or of a listener fails the simulation", async () => {
  const mistake = new Error("of a program");
  const ofProgram = simulate(five, async (ring) => {
    ring.run(async (_sock, clock) => {
      await new Promise<void>((done) => clock.setTimer(done, 100));
      throw mistake;
    });
    await ring.pass(200);
  });
  assert(await failure(ofProgram) === mistake);
  const ofListener = simulate(five, async (ring) => {
    ring.nodes[0]!.on("add", () => {
      throw mistake;
    });
    await ring.nodes[1]!.set("k", "v");
    await ring.pass(1_000);
  });
  assert(await failure(ofListener) === mistake);
});

Deno.test("code that waits for something outside fails by the clock, or at once where nothing happens", async () => {
  const never = new Promise<never>(() => {});
  const late = await violation(
    simulate({ ...five, virtualMsMax: 30_000 }, () => never),
  );
  assert(late.message.includes("still waits after 30 s"), late.message);
  const alone = await violation(
    simulate({ ...five, nodes: 1 }, async (ring) => {
      await ring.nodes[0]!.close();
      await never;
    }),
  );
  assert(alone.message.includes("nothing is left to happen"), alone.message);
});

Deno.test("code that goes round and round at one moment is stopped", async () => {
  const busy = await violation(simulate({ ...five, nodes: 1 }, async (ring) => {
    for (;;) await ring.pass(0);
  }));
  assert(busy.message.includes("no time passes"), busy.message);
});

/** What can be done to a key, and what must not be lost after that. */
const WRITES: Readonly<Record<string, (dict: Texts) => Promise<unknown>>> = {
  set: (dict) => dict.set("k", "new"),
  del: (dict) => dict.del("k"),
  pop: (dict) => dict.pop("k"),
  popitem: (dict) => dict.popitem(),
  setdefault: (dict) => dict.setdefault("k2", "new"),
  update: (dict) => dict.update({ k: "new" }),
};

for (const [name, write] of Object.entries(WRITES)) {
  Deno.test(`a check convicts a ring of which all holders were crashed after ${name}()`, async () => {
    const judge = (crashes: number) =>
      simulate({ ...five, nodes: 6 }, async (ring) => {
        const { nodes } = ring;
        await nodes[0]!.set("k", "old");
        await write(nodes[0]!);
        const holds = (sock: Texts) =>
          sock.stats().entries + sock.stats().tombstones > 0;
        for (const sock of nodes.filter(holds).slice(0, crashes)) {
          ring.crash(sock);
        }
        await ring.check();
      });
    await judge(1);
    const found = await violation(judge(6));
    assertEquals(found.check, "noLostWrite");
  });
}

Deno.test("a socket that is not made with what it is given is refused", async () => {
  const create = () => new ChordSocket({ keys: text, values: text });
  const cause = await failure(simulate({ ...five, create }, () => {}));
  assert(cause instanceof TypeError && /given/.test(cause.message));
});

Deno.test("options out of their range are refused before anything runs", async () => {
  const refused = (
    options: object,
    kind: typeof TypeError | typeof RangeError,
  ) => assertRejects(() => simulate({ ...five, ...options }, () => {}), kind);
  await refused({ seed: 1.5 }, RangeError);
  await refused({ nodes: 0 }, RangeError);
  await refused({ virtualMsMax: NaN }, RangeError);
  await refused({ net: { latencyMs: [0, 1] } }, RangeError);
  await refused({ net: { latencyMs: [2, 1] } }, RangeError);
  await refused({ faults: { crash: -1 } }, RangeError);
  await refused({ faults: { fire: 1 } }, TypeError);
});
