/**
 * The handshakes of one node's links.
 *
 * Without a secret both sides say `hello` at once, which takes half a round
 * trip, and each judges the other by itself. With one, both send a `challenge`,
 * which holds a nonce and nothing about the sender; then they take turns:
 *
 *     first     proof      a MAC of both challenges
 *     second    identity   who it is, with a MAC of all that was said and that
 *     first     identity   the same
 *     second    welcome
 *
 * So nobody says who it is to whom has not proved that it knows the secret, and
 * who was dialled proves nothing to a stranger. A MAC says which of the three it
 * is, so that none can be sent back as another one; it covers both nonces, so
 * that none is good for another link; and the last covers both ids. As nobody
 * may speak out of turn, nothing has to be kept while a MAC is computed. Who
 * dialled sends its challenge with its proof: a small message alone would be one
 * that nobody answers, and hold up the next one (see `transport/websocket.ts`).
 *
 * Not taken: proving with the first of several secrets alone. A node with the
 * new secret and the old one could not dial one with the old one only, so the
 * secret of a running network could not be changed node by node.
 *
 * @module
 */
import { type Bytes, concatBytes, equalSecrets } from "../base/bytes.ts";
import { AuthError, type ChordError, ProtocolError } from "../base/errors.ts";
import { STRANGER_FRAME_BYTES_MAX } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import { encode, encodeField } from "../wire/codec.ts";
import {
  MAGIC,
  member,
  type MemberRecord,
  type Message,
  type MessageOf,
  NONCE_BYTES,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_OLDEST,
  Turn,
} from "../wire/messages.ts";
import { Writer } from "../wire/writer.ts";
import type { Context } from "./context.ts";
import { identityProblem, type Link } from "./link.ts";

/** Messages that are part of a handshake and of nothing else. */
export const GREETINGS: ReadonlySet<Message["type"]> = new Set([
  "hello",
  "challenge",
  "proof",
  "identity",
  "welcome",
]);

/** Keeps these MACs apart from those of any other use of the secret. */
const PURPOSE = "chord-dict handshake";
/** Which message a MAC is for. */
export const Step = { proof: 1, secondIdentity: 2, firstIdentity: 3 } as const;
/** One of the three. */
export type Step = typeof Step[keyof typeof Step];

/** What the driver computes: for each text, the MAC by each secret. */
export type Macs = readonly (readonly Bytes[])[];

/** How far the handshake of one link is. */
export interface Greeting {
  /** The only message that may come next; none while the driver computes. */
  awaits: Message["type"] | undefined;
  /** What the MACs that the driver computes are for. */
  onMacs: ((macs: Macs) => void) | undefined;
  readonly challenge: MessageOf<"challenge"> | undefined;
  isFirst: boolean;
  /** What both have said, in order. */
  said: readonly Bytes[];
  /** Which of the own secrets the two have in common. */
  secret: number;
  /** Whether the other side has proved that it knows one. */
  isTrusted: boolean;
  /** Who the other side is. */
  peer: MemberRecord | undefined;
}

/** What a handshake needs of the links, and what comes of it. */
export interface GreeterHandlers {
  /** The own record, as peers are told it. */
  self(): MemberRecord;
  send(link: Link, message: Message): void;
  open(link: Link, peer: MemberRecord): void;
  refuse(link: Link, error: ChordError): void;
}

/** Brings links through their handshakes. */
export class Greeter {
  readonly #context: Context;
  readonly #subnet: Bytes;
  readonly #handlers: GreeterHandlers;

  constructor(context: Context, subnet: Bytes, handlers: GreeterHandlers) {
    this.#context = context;
    this.#subnet = subnet;
    this.#handlers = handlers;
  }

  /** Says the first word on a link that has just opened. */
  begin(link: Link, turn: Turn): Greeting {
    const { options, random } = this.#context;
    const versions = {
      magic: MAGIC,
      version: PROTOCOL_VERSION,
      oldest: PROTOCOL_VERSION_OLDEST,
    };
    const challenge = options.isSecured
      ? {
        type: "challenge" as const,
        ...versions,
        turn,
        nonce: nonceOf(random),
      }
      : undefined;
    if (challenge === undefined) {
      const self = this.#handlers.self();
      const subnet = this.#subnet;
      this.#handlers.send(link, { type: "hello", ...versions, subnet, self });
    } else if (turn !== Turn.first) {
      this.#handlers.send(link, challenge);
    }
    return {
      awaits: options.isSecured ? "challenge" : "hello",
      onMacs: undefined,
      challenge,
      isFirst: false,
      said: [],
      secret: -1,
      isTrusted: !options.isSecured,
      peer: undefined,
    };
  }

  /** Takes a message of a link whose handshake is not done. */
  onMessage(link: Link, greeting: Greeting, message: Message): void {
    if (message.type !== greeting.awaits) {
      return this.#handlers.refuse(link, misplaced(message, greeting));
    }
    switch (message.type) {
      case "hello":
        return this.#onHello(link, message);
      case "challenge":
        return this.#onChallenge(link, greeting, message);
      case "proof":
        return this.#onProof(link, greeting, message);
      case "identity":
        return greeting.isFirst
          ? this.#onSecondIdentity(link, greeting, message)
          : this.#onFirstIdentity(link, greeting, message);
      case "welcome":
        return this.#handlers.open(link, greeting.peer!);
    }
  }

  /** The driver has computed what was asked for. */
  onMacs(greeting: Greeting, macs: Macs): void {
    const { onMacs } = greeting;
    greeting.onMacs = undefined;
    onMacs?.(macs);
  }

  #onHello(link: Link, hello: MessageOf<"hello">): void {
    const self = this.#handlers.self();
    const problem = identityProblem(hello, self.id, this.#subnet);
    if (problem !== undefined) return this.#handlers.refuse(link, problem);
    this.#handlers.open(link, hello.self);
  }

  #onChallenge(
    link: Link,
    greeting: Greeting,
    theirs: MessageOf<"challenge">,
  ): void {
    const own = greeting.challenge!;
    const isFirst = provesFirst(own, theirs);
    if (isFirst === undefined) {
      const error = new ProtocolError(
        "Cannot take turns in a handshake: both sides dialled, or both were " +
          "dialled, or one repeats the other; attach what nobody dialled",
      );
      return this.#handlers.refuse(link, error);
    }
    greeting.isFirst = isFirst;
    const said = isFirst ? [own, theirs] : [theirs, own];
    greeting.said = said.map((challenge) => encode(challenge));
    if (!isFirst) {
      greeting.awaits = "proof";
      return;
    }
    const text = macText(Step.proof, greeting.said);
    this.#compute(link, greeting, [text], ([macs]) => {
      greeting.awaits = "identity";
      if (own.turn === Turn.first) this.#handlers.send(link, own);
      this.#handlers.send(link, { type: "proof", macs: macs! });
    });
  }

  #onProof(link: Link, greeting: Greeting, proof: MessageOf<"proof">): void {
    const self = this.#handlers.self();
    const before = greeting.said;
    greeting.said = [...before, partOf(this.#subnet, self)];
    const texts = [
      macText(Step.proof, before),
      macText(Step.secondIdentity, greeting.said),
    ];
    this.#compute(link, greeting, texts, ([right, macs]) => {
      if (!this.#trust(link, greeting, right!, proof.macs)) return;
      this.#identify(link, greeting, self, macs!, "identity");
    });
  }

  /** Who proved first learns who is there, and says the same of itself. */
  #onSecondIdentity(
    link: Link,
    greeting: Greeting,
    theirs: MessageOf<"identity">,
  ): void {
    const self = this.#handlers.self();
    const before = [...greeting.said, partOf(theirs.subnet, theirs.self)];
    const texts = [
      macText(Step.secondIdentity, before),
      macText(Step.firstIdentity, [...before, partOf(this.#subnet, self)]),
    ];
    this.#compute(link, greeting, texts, ([right, macs]) => {
      if (!this.#trust(link, greeting, right!, [theirs.mac])) return;
      if (!this.#accept(link, greeting, theirs)) return;
      this.#identify(link, greeting, self, macs!, "welcome");
    });
  }

  #onFirstIdentity(
    link: Link,
    greeting: Greeting,
    theirs: MessageOf<"identity">,
  ): void {
    const said = [...greeting.said, partOf(theirs.subnet, theirs.self)];
    const text = macText(Step.firstIdentity, said);
    this.#compute(link, greeting, [text], ([right]) => {
      const mac = right![greeting.secret]!;
      if (!this.#trust(link, greeting, [mac], [theirs.mac])) return;
      if (!this.#accept(link, greeting, theirs)) return;
      this.#handlers.send(link, { type: "welcome" });
      this.#handlers.open(link, theirs.self);
    });
  }

  /** Whether the other side knows a secret: one of its MACs is right. */
  #trust(
    link: Link,
    greeting: Greeting,
    right: readonly Bytes[],
    given: readonly Bytes[],
  ): boolean {
    let secret = -1;
    for (const [at, mac] of right.entries()) {
      for (const other of given) {
        if (equalSecrets(mac, other) && secret < 0) secret = at;
      }
    }
    if (secret < 0) {
      const error = new AuthError(
        "Cannot link to a node with another secret: what it gave as its " +
          'proof is wrong; give both the same "secret"',
      );
      this.#handlers.refuse(link, error);
      return false;
    }
    if (!greeting.isTrusted) greeting.secret = secret;
    greeting.isTrusted = true;
    return true;
  }

  #accept(
    link: Link,
    greeting: Greeting,
    theirs: MessageOf<"identity">,
  ): boolean {
    const { id } = this.#handlers.self();
    const problem = identityProblem(theirs, id, this.#subnet);
    if (problem !== undefined) this.#handlers.refuse(link, problem);
    else greeting.peer = theirs.self;
    return problem === undefined;
  }

  /** Says who this node is, as the MAC was computed for. */
  #identify(
    link: Link,
    greeting: Greeting,
    self: MemberRecord,
    macs: readonly Bytes[],
    awaits: Message["type"],
  ): void {
    greeting.awaits = awaits;
    const mac = macs[greeting.secret]!;
    const subnet = this.#subnet;
    this.#handlers.send(link, { type: "identity", subnet, self, mac });
  }

  #compute(
    link: Link,
    greeting: Greeting,
    texts: readonly Bytes[],
    onMacs: (macs: Macs) => void,
  ): void {
    greeting.awaits = undefined;
    greeting.onMacs = onMacs;
    this.#context.effect({ type: "mac", link: link.number, texts });
  }
}

/**
 * What a MAC is computed of.
 *
 * @param said what both have said so far, the sender of the MAC included
 */
export function macText(step: Step, said: readonly Bytes[]): Bytes {
  const writer = new Writer();
  writer.text(PURPOSE);
  writer.u8(step);
  for (const part of said) writer.bytes(part);
  return writer.take();
}

/** What an identity says, its MAC left out. */
export function partOf(subnet: Bytes, self: MemberRecord): Bytes {
  return concatBytes([subnet, encodeField(member, self)]);
}

/** Whether `own` is the side that proves first; `undefined`: nobody can say. */
function provesFirst(
  own: MessageOf<"challenge">,
  theirs: MessageOf<"challenge">,
): boolean | undefined {
  if (own.turn === Turn.either && theirs.turn === Turn.either) {
    const at = own.nonce.findIndex((byte, i) => byte !== theirs.nonce[i]);
    return at < 0 ? undefined : own.nonce[at]! > theirs.nonce[at]!;
  }
  if (own.turn === theirs.turn) return undefined;
  return own.turn === Turn.first || theirs.turn === Turn.second;
}

function nonceOf(random: Random): Bytes {
  const nonce = new Uint8Array(NONCE_BYTES);
  const words = new DataView(nonce.buffer);
  for (let at = 0; at < NONCE_BYTES; at += 4) {
    words.setUint32(at, random.uint32());
  }
  return nonce;
}

/** What is wrong with a message that is not the one whose turn it is. */
function misplaced(message: Message, greeting: Greeting): ChordError {
  if (message.type === "challenge" && greeting.challenge === undefined) {
    return new AuthError(
      "Cannot link to a node that asks for a secret: this one has none; give " +
        'it the same "secret"',
    );
  }
  if (message.type === "hello" && greeting.awaits === "challenge") {
    return new AuthError(
      "Cannot link to a node without a secret: this one has one; give both " +
        'the same "secret"',
    );
  }
  return new ProtocolError(
    `Cannot take a message "${message.type}" before the handshake is done: ` +
      `"${greeting.awaits ?? "nothing"}" comes next`,
  );
}

/** Nobody has to read more of a stranger than a handshake needs. */
export function checkLength(
  greeting: Greeting | undefined,
  frame: Bytes,
): void {
  if (greeting === undefined || greeting.isTrusted) return;
  if (frame.length <= STRANGER_FRAME_BYTES_MAX) return;
  throw new ProtocolError(
    `Cannot read a frame of ${frame.length} bytes before a proof of the ` +
      `secret: at most ${STRANGER_FRAME_BYTES_MAX} are allowed`,
  );
}
