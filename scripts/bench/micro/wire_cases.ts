/**
 * What messages cost on their way to bytes and back.
 *
 * @module
 */
import { SeededRandom } from "../../../src/base/random.ts";
import { randomId } from "../../../src/id/id.ts";
import { Inbox, Outbox } from "../../../src/mesh/framer.ts";
import { decode, encode, laneOf } from "../../../src/wire/codec.ts";
import {
  type EntryRecord,
  Health,
  type MemberRecord,
  type Message,
  PutStatus,
  Role,
  Standing,
} from "../../../src/wire/messages.ts";
import type { Case } from "./timing.ts";

const random = new SeededRandom(1, "wire");
const version = { ms: 1_704_067_200_000, count: 3, node: "0123456789abcdef" };
/** Messages that leave in one frame when many wait. */
const TOGETHER = 64;
/** Entries of a page. */
const PAGE = 256;

function entry(valueBytes: number): EntryRecord {
  const key = new Uint8Array(16).map(() => random.uint32());
  const value = new Uint8Array(valueBytes).fill(7);
  return { key, value, version, terms: undefined };
}

function member(): MemberRecord {
  const [id, position] = [randomId(random), randomId(random)];
  const url = "ws://192.168.17.4:44321/";
  const [role, health] = [Role.active, Health.alive];
  return { id, incarnation: 7, role, health, position, url };
}

function messages(): readonly (readonly [string, Message, number?])[] {
  const { value } = entry(64);
  const large = entry(4096).value;
  const request = 123_456;
  const answer = {
    request,
    standing: Standing.ready,
    version,
    terms: undefined,
  } as const;
  const [id, after] = [randomId(random), randomId(random)];
  const put = { request, view: 17, operation: undefined } as const;
  const page = Array.from({ length: PAGE }, () => entry(64));
  const items = page.map(() => ({ id: randomId(random), version }));
  return [
    ["get", { type: "get", request, id }],
    ["getAnswer, 64 B", { type: "getAnswer", ...answer, value }],
    ["getAnswer, 4 kB", { type: "getAnswer", ...answer, value: large }],
    ["put, 64 B", { type: "put", ...put, entry: entry(64) }],
    ["put, 4 kB", { type: "put", ...put, entry: entry(4096) }],
    ["putAnswer", {
      type: "putAnswer",
      request,
      status: PutStatus.stored,
      version: undefined,
    }],
    ["heartbeat", { type: "heartbeat", table: 99, marks: [] }],
    ["gossip", { type: "gossip", from: id, to: after, records: [member()] }],
    ["pulled, an entry", {
      type: "pulled",
      request,
      through: after,
      entries: page,
    }, PAGE],
    ["confirm, an item", { type: "confirm", request, items }, PAGE],
  ];
}

/** The codec, message by message. */
export function codecCases(): Case[] {
  return messages().flatMap(([name, message, weight = 1]) => {
    const bytes = encode(message);
    const group = "codec";
    return [
      { group, name: `encode ${name}`, run: () => encode(message), weight },
      { group, name: `decode ${name}`, run: () => decode(bytes), weight },
    ];
  });
}

/** Messages into frames and out of them. */
export function framerCases(): Case[] {
  const message: Message = { type: "get", request: 1, id: randomId(random) };
  const [bytes, lane] = [encode(message), laneOf("get")];
  const [outbox, inbox] = [new Outbox(), new Inbox()];
  const frame = (count: number) => {
    for (let i = 0; i < count; i++) outbox.push(lane, [bytes]);
    return outbox.pull()!;
  };
  const [one, many] = [frame(1), frame(TOGETHER)];
  const group = "frames";
  const [run, weight] = [() => frame(TOGETHER), TOGETHER];
  return [
    { group, name: "one message in", run: () => frame(1) },
    { group, name: "one message out", run: () => inbox.take(one) },
    { group, name: "of 64 in, each", run, weight },
    { group, name: "of 64 out, each", run: () => inbox.take(many), weight },
  ];
}
