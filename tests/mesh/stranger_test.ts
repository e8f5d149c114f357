/** What those can do who do not know the secret. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { type Bytes, concatBytes } from "../../src/base/bytes.ts";
import { AuthError, ChordError, ProtocolError } from "../../src/base/errors.ts";
import {
  HANDSHAKES_PENDING_MAX,
  PIECE_BYTES_MAX,
  STRANGER_FRAME_BYTES_MAX,
} from "../../src/base/limits.ts";
import { below, pick, SeededRandom } from "../../src/base/random.ts";
import { randomId } from "../../src/id/id.ts";
import { hmac } from "../../src/testing/hmac.ts";
import { encode } from "../../src/wire/codec.ts";
import { type Message, Turn } from "../../src/wire/messages.ts";
import { Reader } from "../../src/wire/reader.ts";
import { mutated, randomBytes } from "../fuzz/mutations.ts";
import { messageOf, messageTypes, small } from "../wire/generator.ts";
import { Network, type Station } from "./harness.ts";
import { Intruder, recordOf, SUBNET } from "./intruder.ts";

const SECRET = "what strangers do not know";
const MAC_MS = 1;

function guarded(seed = 1): { net: Network; a: Station } {
  const net = new Network(seed);
  return { net, a: net.add("a", { secrets: [SECRET] }) };
}

function errorsOf(station: Station): unknown[] {
  return station.notices.flatMap((notice) =>
    notice.type === "error" ? [notice.error] : []
  );
}

/** What a MAC is computed of: its step, both challenges, and who was told. */
function partsOf(text: Bytes): { step: number; said: Bytes[] } {
  const reader = new Reader(text);
  reader.text(100, "the purpose");
  const step = reader.u8();
  const said: Bytes[] = [];
  while (reader.left > 0) said.push(reader.bytes(10_000, "a part"));
  return { step, said };
}

/** The nonce ends a challenge. */
const nonceIn = (challenge: Bytes) => challenge.slice(-32);

/**
 * A node proves itself to somebody who sends its proof back as his own.
 *
 * @returns whether that got him in
 */
function reflect(macOf: Network["macOf"]): boolean {
  const { net, a } = guarded();
  net.macOf = macOf;
  const mirror = new Intruder(net, a, true);
  mirror.challenge(Turn.second); // So that the node goes first.
  net.run(MAC_MS);
  const mac = mirror.one("proof")!.macs[0]!;
  const self = recordOf(randomId(new SeededRandom(1)));
  mirror.say({ type: "identity", subnet: SUBNET, self, mac });
  net.run(MAC_MS);
  mirror.say({ type: "welcome" });
  net.run(MAC_MS);
  return a.machine.linked.includes(self.id);
}

/**
 * All that a node said on a connection is said again on another one.
 *
 * @returns whether that got somebody in
 */
function replay(macOf: Network["macOf"]): boolean {
  const { net, a } = guarded();
  const b = net.add("b", { secrets: [SECRET] });
  net.macOf = macOf;
  const frames: Bytes[] = [];
  net.onFrame = (from, _to, frame) => {
    if (from === b) frames.push(frame);
  };
  net.connect(b, a);
  net.until(() => a.machine.linked.length === 1, 1_000);
  const record = frames.slice();
  net.crash(b);
  net.run(10);
  assertEquals(a.machine.linked, []);
  const thief = new Intruder(net, a);
  for (const frame of record) {
    thief.frame(frame);
    net.run(MAC_MS);
  }
  return a.machine.linked.includes(b.id);
}

Deno.test("a proof that is sent back proves nothing", () => {
  assertEquals(reflect(hmac), false);
});

Deno.test("control: a proof of the nonces alone could be sent back", () => {
  const byNonces = (secret: Bytes, text: Bytes) => {
    const { said } = partsOf(text);
    return hmac(secret, concatBytes(said.slice(0, 2).map(nonceIn)));
  };
  assertEquals(reflect(byNonces), true);
});

Deno.test("what was said on one connection is of no use on another", () => {
  assertEquals(replay(hmac), false);
});

Deno.test("control: a handshake without nonces could be said again", () => {
  const withoutNonces = (secret: Bytes, text: Bytes) => {
    const { step, said } = partsOf(text);
    const rest = concatBytes([Uint8Array.of(step), ...said.slice(2)]);
    return hmac(secret, rest);
  };
  assertEquals(replay(withoutNonces), true);
});

/** Somebody in the middle hands on what two nodes say, changed if he likes. */
function between(change: (message: Message, of: "a" | "b") => Message): {
  a: Station;
  b: Station;
} {
  const { net, a } = guarded();
  const b = net.add("b", { secrets: [SECRET] });
  const [toA, toB] = [new Intruder(net, a), new Intruder(net, b, true)];
  for (let i = 0; i < 6; i++) {
    for (const message of toB.heard.splice(0)) toA.say(change(message, "b"));
    for (const message of toA.heard.splice(0)) toB.say(change(message, "a"));
    net.run(MAC_MS);
  }
  return { a, b };
}

Deno.test("who stands in the middle can hand on a handshake, and change nothing in it", () => {
  const whole = between((message) => message);
  assertEquals(whole.a.machine.linked, [whole.b.id]);
  assertEquals(whole.b.machine.linked, [whole.a.id]);
  const self = recordOf(randomId(new SeededRandom(2)));
  for (const whose of ["a", "b"] as const) {
    const changed = between((message, of) =>
      of === whose && message.type === "identity"
        ? { ...message, self }
        : message
    );
    const fooled = whose === "a" ? changed.b : changed.a;
    assertInstanceOf(errorsOf(fooled)[0], AuthError);
    assertEquals(fooled.machine.linked, []);
  }
  const turned = between((message) =>
    message.type === "challenge" ? { ...message, oldest: 1 } : message
  );
  assertEquals(turned.a.machine.linked, [], "the versions are proved, too");
});

Deno.test("a stranger who dials learns a version and a nonce, and that it failed", () => {
  const { net, a } = guarded();
  const stranger = new Intruder(net, a);
  stranger.challenge();
  net.run(10);
  stranger.say({ type: "proof", macs: [new Uint8Array(32)] });
  net.run(10);
  assertEquals(stranger.heard.map(({ type }) => type), ["challenge", "bye"]);
  const said = concatBytes(stranger.heard.map((message) => encode(message)));
  const idBytes = a.id.match(/../g)!.map((hex) => parseInt(hex, 16));
  assert(!said.join().includes(idBytes.join()), "the id is not told");
  assertEquals(stranger.isOpen, false);
});

Deno.test("who was dialled proves nothing before it was proved something", () => {
  const { net, a } = guarded();
  const stranger = new Intruder(net, a);
  stranger.challenge(Turn.second); // "You first": but who dialled must be.
  net.run(100);
  assertEquals(stranger.heard.map(({ type }) => type), ["challenge", "bye"]);
  assertInstanceOf(errorsOf(a)[0], ProtocolError);
});

Deno.test("a node's own nonce, sent back, ends the connection", () => {
  const { net, a } = guarded();
  const mirror = new Intruder(net, a, true);
  mirror.say(mirror.one("challenge")!);
  net.run(100);
  assertInstanceOf(errorsOf(a)[0], ProtocolError);
  assertEquals(mirror.heard.map(({ type }) => type), ["challenge", "bye"]);
});

Deno.test("who speaks while a proof is looked at is sent away", () => {
  const { net, a } = guarded();
  const hasty = new Intruder(net, a);
  hasty.challenge();
  const proof: Message = { type: "proof", macs: [new Uint8Array(32)] };
  hasty.say(proof, proof);
  assertInstanceOf(errorsOf(a)[0], ProtocolError);
  net.run(100);
  assertEquals([a.machine.linked, a.machine.stats.links], [[], 0]);
  assertEquals(errorsOf(a).length, 1, "the MACs came too late to matter");
});

Deno.test("a stranger may leave while its proof is looked at", () => {
  const { net, a } = guarded();
  const stranger = new Intruder(net, a);
  stranger.challenge();
  stranger.say({ type: "proof", macs: [new Uint8Array(32)] });
  stranger.say({ type: "bye", code: 4000, reason: "" });
  net.run(100);
  assertEquals([a.machine.stats.links, errorsOf(a)], [0, []]);
});

Deno.test("long frames of strangers are not read", () => {
  const { net, a } = guarded();
  const fits = new Intruder(net, a);
  const long = new Intruder(net, a);
  const many = Array<Message>(100).fill({
    type: "bye",
    code: 4000,
    reason: "x".repeat(100),
  });
  long.say(...many);
  assertInstanceOf(errorsOf(a)[0], ProtocolError);
  assert(String(errorsOf(a)[0]).includes(`${STRANGER_FRAME_BYTES_MAX}`));
  fits.say(many[0]!);
  net.run(10);
  assertEquals(a.machine.stats.links, 0);
});

Deno.test("no piece of a stranger's message is kept", () => {
  const { net, a } = guarded();
  const link = new Intruder(net, a);
  const size = PIECE_BYTES_MAX + 1;
  const head = [(size & 127) | 128, ((size >> 7) & 127) | 128, size >> 14, 6];
  link.frame(concatBytes([
    Uint8Array.from(head),
    new Uint8Array(PIECE_BYTES_MAX),
  ]));
  assertInstanceOf(errorsOf(a)[0], ProtocolError);
  net.run(10);
  assertEquals(link.isOpen, false);
});

Deno.test("a flood of strangers leaves room for who knows the secret, in time", () => {
  const { net, a } = guarded();
  for (let i = 0; i < HANDSHAKES_PENDING_MAX + 50; i++) {
    new Intruder(net, a).challenge();
  }
  net.run(1);
  assertEquals(a.machine.stats.links, HANDSHAKES_PENDING_MAX);
  net.run(5_000); // All of them have had their time.
  const b = net.add("b", { secrets: [SECRET] });
  const call = net.connect(b, a);
  net.run(100);
  assertEquals(b.endings.get(call), { value: a.id });
});

Deno.test("whatever strangers say, they end with a typed error", () => {
  const random = new SeededRandom(11, "strangers");
  const { net, a } = guarded(11);
  const b = net.add("b", { secrets: [SECRET] });
  net.connect(b, a);
  net.until(() => a.machine.linked.length === 1, 1_000);
  const own: Message["type"][] = ["challenge", "proof", "identity", "welcome"];
  for (let round = 0; round < 4_000; round++) {
    const stranger = new Intruder(net, a, below(random, 2) === 0);
    if (below(random, 4) > 0) stranger.challenge(pick(random, [0, 1, 2])!);
    for (let i = 1 + below(random, 3); i > 0; i--) {
      const type = pick(random, below(random, 2) ? own : messageTypes)!;
      const bytes = encode(messageOf(type, random, small));
      const item = below(random, 3) === 0 ? bytes : mutated(random, bytes);
      stranger.frame(
        below(random, 10) === 0
          ? randomBytes(random, below(random, 200))
          : concatBytes([Uint8Array.of(item.length + 1, 0), item])
            .slice(0, 127),
      );
      if (below(random, 2) === 0) net.run(1);
    }
  }
  net.run(6_000);
  for (const error of errorsOf(a)) assertInstanceOf(error, ChordError);
  const codes = new Set(errorsOf(a).map((error) => (error as ChordError).code));
  assert(codes.has("auth") && codes.has("protocol"), [...codes].join());
  assertEquals(a.machine.linked, [b.id]);
  assertEquals(a.machine.stats.links, 1);
  assertEquals(a.machine.members.length, 2);
});
