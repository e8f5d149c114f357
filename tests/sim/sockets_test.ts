/**
 * The sockets of applications in storms: what the simulated machines leave out,
 * their drivers, their transports and all that is awaited, runs here as well.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  ChordError,
  ChordSocket,
  type Clock,
  SyncSocket,
  text,
} from "@chord/dict";
import {
  type NodeGiven,
  simulate,
  type SimulatedRing,
} from "@chord/dict/testing";

type Texts = ChordSocket<string, string> | SyncSocket<string, string>;

const SECRET = "known to all of them";

const KINDS: readonly (readonly [string, (given: NodeGiven) => Texts])[] = [
  ["ChordSocket", (given) => new ChordSocket({ ...given, ...codecs })],
  [
    "ChordSocket with a secret and a directory",
    (given) =>
      new ChordSocket({ ...given, ...codecs, secret: SECRET, directory: true }),
  ],
  [
    "SyncSocket",
    (given) => new SyncSocket({ ...given, ...codecs, leasing: false }),
  ],
];
const codecs = { keys: text, values: text };

/** Each with the most often that it strikes in a minute. */
const STORM = {
  ...{ crash: 4, powerLoss: 2, pause: 6, split: 3, oneWayCut: 2, reset: 20 },
  ...{ halfOpen: 10, blackHole: 4, clog: 10, slow: 2, refuse: 2, leave: 2 },
};

/** One of the things that applications do, whatever comes of it. */
async function use(sock: Texts, ring: SimulatedRing<Texts>): Promise<void> {
  const pick = (count: number) => Math.floor(ring.random() * count);
  const key = `key ${pick(10)}`;
  // Some need several frames, and more than one write of the transport.
  const value = `${pick(2)}`.padEnd(2 ** pick(17), ".");
  const actions: readonly (() => unknown)[] = [
    () => sock.get(key),
    () => sock.set(key, value),
    () => sock.set(key, value, { session: true }),
    () => sock.update({ [key]: value, other: value }),
    () => sock.setdefault(key, value, { ttlMs: 5_000 }),
    () => sock.touch(key, 3_000),
    () => sock.del(key),
    () => sock.pop(key, undefined),
    () => sock.send(["said to all", value]),
    async () => {
      for await (const known of sock.keys()) assert(known !== "");
    },
  ];
  await actions[pick(actions.length)]!();
}

/** Uses a node for as long as it is there; gives how often that went well. */
async function useOften(
  sock: Texts,
  clock: Clock,
  ring: SimulatedRing<Texts>,
  used: () => void,
): Promise<void> {
  for (;;) {
    const waitMs = 500 * ring.random();
    await new Promise<void>((done) => clock.setTimer(done, waitMs));
    try {
      await use(sock, ring);
      used();
    } catch (error) {
      if (!(error instanceof ChordError)) throw error;
    }
  }
}

for (const [name, create] of KINDS) {
  Deno.test(`every ${name} comes out of a storm with all that it was told is done`, async () => {
    for (let seed = 1; seed <= 3; seed++) {
      await simulate(
        { seed, nodes: 5, faults: STORM, create },
        async (ring) => {
          let uses = 0;
          let heard = 0;
          ring.run(async (sock, clock) => {
            sock.registerHandler((message) => {
              if (message.packets[0] === "heard") return true;
              heard++;
              message.reply(["heard"]); // Who is replied to may be gone.
              return true;
            });
            await useOften(sock, clock, ring, () => uses++);
          });
          await ring.pass(60_000);
          await ring.check();
          assertEquals(ring.nodes.length, 5);
          assert(uses > 200 && heard > 20, `${uses} uses, ${heard} messages`);
        },
      );
    }
  });
}
