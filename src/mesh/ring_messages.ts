/**
 * Pointers of the ring's upkeep as messages, and back.
 *
 * @module
 */
import { idAt, placeOf } from "../ring/place.ts";
import type { Pointers } from "../ring/stabilizer.ts";
import type { MemberRecord, Message, MessageOf } from "../wire/messages.ts";
import { hashId, mix } from "./ring_view.ts";
import type { Table } from "./table.ts";

/** A message of the ring's upkeep that is no answer to a request. */
export type RingMessage = MessageOf<
  "ringAsk" | "ringNotify" | "ringSeen" | "ringStale"
>;

const TYPES: ReadonlySet<Message["type"]> = new Set<RingMessage["type"]>([
  "ringAsk",
  "ringNotify",
  "ringSeen",
  "ringStale",
]);

/** Whether a message is one of the ring's upkeep. */
export function isOfRing(message: Message): message is RingMessage {
  return TYPES.has(message.type);
}

/**
 * The answer to a question. Padding names nobody and is left out, as is what
 * follows a member of which nothing is known any more: a shorter list passes
 * over nobody.
 *
 * @param pointers `undefined`: this node is not in the ring
 */
export function stateOf(
  pointers: Pointers | undefined,
  table: Table,
  request: number,
): MessageOf<"ringState"> {
  const known = (place: string | undefined) => {
    const record = place && table.get(idAt(place));
    return record && placeOf(record) === place ? record : undefined;
  };
  const successors: MemberRecord[] = [];
  for (const place of pointers?.successors ?? []) {
    const record = known(place);
    if (record === undefined) break;
    successors.push(record);
  }
  return {
    type: "ringState",
    request,
    member: pointers !== undefined,
    predecessor: known(pointers?.predecessor),
    successors,
  };
}

/** The pointers that a member has told. */
export function pointersOf(state: MessageOf<"ringState">): Pointers {
  const { predecessor, successors } = state;
  return {
    predecessor: predecessor && placeOf(predecessor),
    successors: successors.map(placeOf),
  };
}

/** What two nodes compare to see whether an answer would be another one. */
export function digestOf({ predecessor, successors }: Pointers): number {
  let digest = mix(0, predecessor === undefined ? 0 : hashId(predecessor));
  for (const place of successors) digest = mix(digest, hashId(place));
  return digest;
}
