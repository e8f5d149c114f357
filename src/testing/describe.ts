/**
 * Events as text, for whoever reads a trace.
 *
 * @module
 */
import { type Bytes, fromUtf8 } from "../base/bytes.ts";
import type { DictOperation } from "../dict/operations.ts";
import type { NodeEvent } from "../mesh/events.ts";
import { Inbox } from "../mesh/framer.ts";
import { decode } from "../wire/codec.ts";
import type { Message } from "../wire/messages.ts";

/** Values longer than this are told by their length. */
const TEXT_MAX = 40;
/** Lists longer than this are told by their length. */
const LIST_MAX = 6;

/** One event, with the messages that a frame carries. */
export function describeEvent(event: NodeEvent<DictOperation>): string {
  switch (event.type) {
    case "wake":
      return "wake";
    case "opened":
      return `opened ${event.link}${event.dial === undefined ? "" : " (own)"}`;
    case "macs":
      return `macs for ${event.link}`;
    case "frame":
      return `on ${event.link}: ${describeFrame(event.frame)}`;
    case "closed":
      return `closed ${event.link}: ${event.code} ${event.reason}`;
    case "dialFailed":
      return `dial ${event.dial} failed: ${event.reason}`;
    case "call":
    case "ask":
      return describeValue(event.operation);
    case "cancel":
      return `cancel ${event.call}`;
  }
}

function describeFrame(frame: Bytes): string {
  try {
    // Pieces of long messages stay unread: each frame is looked at alone.
    const messages = new Inbox().take(frame);
    return messages.map((bytes) => describeMessage(decode(bytes))).join(" | ");
  } catch {
    return `${frame.length} bytes`;
  }
}

function describeMessage(message: Message): string {
  const { type, ...fields } = message;
  if (message.type === "relay") {
    const { from, to, hops } = message;
    const inner = describeMessage(decode(message.message));
    return `relay ${from.slice(0, 4)}>${to.slice(0, 4)} ${hops} (${inner})`;
  }
  return `${type} ${describeValue(fields)}`;
}

function describeValue(value: unknown): string {
  if (typeof value === "string") {
    // An id or a tie-break: its beginning is enough to tell it apart.
    return /^[0-9a-f]{16,}$/.test(value) ? value.slice(0, 4) : value;
  }
  if (value instanceof Uint8Array) return describeBytes(value);
  if (Array.isArray(value)) {
    return value.length > LIST_MAX
      ? `[${value.length} items]`
      : `[${value.map(describeValue).join(" ")}]`;
  }
  if (typeof value !== "object" || value === null) return String(value);
  const fields = Object.entries(value).map(([name, field]) =>
    `${name}=${describeValue(field)}`
  );
  return `{${fields.join(" ")}}`;
}

function describeBytes(bytes: Uint8Array): string {
  if (bytes.length > TEXT_MAX) return `${bytes.length} bytes`;
  try {
    const text = fromUtf8(bytes);
    if (/^[\x20-\x7e]*$/.test(text)) return `"${text}"`;
  } catch {
    // Not text.
  }
  return `${bytes.length} bytes`;
}
