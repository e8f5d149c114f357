import { assert, assertEquals } from "@std/assert";
import * as limits from "../../src/base/limits.ts";
import { CloseCode } from "../../src/mesh/close_codes.ts";
import type { Shape } from "../../src/wire/field.ts";
import {
  declarations,
  Lane,
  PROTOCOL_VERSION,
} from "../../src/wire/messages.ts";

const url = new URL("../../src/wire/PROTOCOL.md", import.meta.url);
const text = await Deno.readTextFile(url);
const laneNames = Object.entries(Lane);

/** The rows of all tables that begin with a kind number and a message. */
const rows = [
  ...text.matchAll(/^\| +(\d+) \| `(\w+)` +\| (\w+) +\| (.*) \|$/gm),
].map(([, kind, type, lane, meaning]) => ({
  kind: Number(kind),
  type: type!,
  lane: lane!,
  meaning: meaning!,
}));

/** The names of the fields of a message, and of what its lists hold. */
function namesIn(shape: Shape, depth = 0): string[] {
  switch (shape.kind) {
    case "record":
      return Object.entries(shape.fields).flatMap(([name, of]) =>
        depth === 0 || !isShared(of) ? [name, ...namesIn(of, depth + 1)] : []
      );
    case "list":
    case "optional":
      return isShared(shape.of) ? [] : namesIn(shape.of, depth + 1);
    default:
      return [];
  }
}

/** Records that the document describes once, by their first fields. */
const SHARED = [
  "id incarnation",
  "ms count",
  "key value",
  "origin number",
  "owner leaseMs",
];

function isShared(shape: Shape): boolean {
  if (shape.kind !== "record") return false;
  const names = Object.keys(shape.fields);
  const start = names.slice(0, 2).join(" ");
  return SHARED.includes(start) || start === "id version" ||
    start === "id time" || start === "kind bytes";
}

for (const { kind, type, lane, body } of declarations) {
  Deno.test(`PROTOCOL.md describes "${type}" with its number, lane and fields`, () => {
    const row = rows.find((found) => found.type === type);
    assert(row !== undefined, "no row");
    assertEquals(row.kind, kind);
    assertEquals(row.lane, laneNames.find(([, at]) => at === lane)![0]);
    const names = body.shape.kind === "record"
      ? Object.entries(body.shape.fields).flatMap(([name, of]) =>
        isShared(of) ? [name] : [name, ...namesIn(of, 1)]
      )
      : [];
    let at = 0;
    for (const name of names) {
      const found = row.meaning.indexOf(`\`${name}\``, at);
      assert(found >= 0, `"${name}" is not described, or not in its place`);
      at = found;
    }
  });
}

Deno.test("PROTOCOL.md describes no message that is not declared", () => {
  const types = new Set<string>(declarations.map(({ type }) => type));
  assertEquals(rows.filter(({ type }) => !types.has(type)), []);
  assertEquals(rows.length, declarations.length);
});

Deno.test("PROTOCOL.md lists every close code by its name", () => {
  const listed = [...text.matchAll(/^\| (40\d\d) \| (\w+): /gm)]
    .map(([, code, name]) => [name, Number(code)]);
  assertEquals(Object.fromEntries(listed), { ...CloseCode });
  assertEquals(listed.length, Object.keys(CloseCode).length);
});

Deno.test("PROTOCOL.md names the version and the limits as they are", () => {
  assert(text.includes(`\nVersion ${PROTOCOL_VERSION}. `));
  for (
    const name of [
      "KEY_BYTES_MAX",
      "VALUE_BYTES_MAX",
      "URL_BYTES_MAX",
      "REASON_BYTES_MAX",
      "MESSAGE_BYTES_MAX",
      "PIECE_BYTES_MAX",
      "FRAME_BYTES_MAX",
      "LINK_QUEUE_BYTES_MAX",
      "RECORDS_PER_MESSAGE_MAX",
      "PAGE_ENTRIES_MAX",
      "DIGEST_PARTS_MAX",
      "HANDSHAKES_PENDING_MAX",
      "STRANGER_FRAME_BYTES_MAX",
      "SECRETS_MAX",
      "MESSAGES_PER_SECOND_MAX",
      "BYTES_PER_SECOND_MAX",
      "REQUESTS_OF_PEER_MAX",
    ] as const
  ) {
    const shown = limits[name].toLocaleString("en-US");
    const inTable = new RegExp(`^\\|.* ${shown}\\b.*\\|$`, "m");
    assert(inTable.test(text), `${name}, ${shown}, is not in the document`);
  }
});
