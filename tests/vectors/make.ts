/**
 * Writes vectors for the types of message that have none yet; those that are
 * there stay as they are. Run it after a message was declared:
 * `deno run --allow-read --allow-write tests/vectors/make.ts` (with
 * `--import-map=scripts/offline/import_map.json` where JSR cannot be reached).
 *
 * @module
 */
import { encodeHex } from "@std/encoding";
import { SeededRandom } from "../../src/base/random.ts";
import { encode } from "../../src/wire/codec.ts";
import { PROTOCOL_VERSION } from "../../src/wire/messages.ts";
import { least, messageOf, messageTypes, small } from "../wire/generator.ts";
import { toJson, type Vector } from "../wire/json.ts";

const file = new URL("./messages.json", import.meta.url);

async function kept(): Promise<Vector[]> {
  try {
    return JSON.parse(await Deno.readTextFile(file)).vectors;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

const vectors: Vector[] = await kept();
const known = new Set(vectors.map(({ message }) => message.type));
for (const type of messageTypes) {
  if (known.has(type)) continue;
  const hexes = new Set<string>();
  for (const [seed, sizes] of [least, small, small].entries()) {
    const message = messageOf(type, new SeededRandom(seed, type), sizes);
    const hex = encodeHex(encode(message));
    if (hexes.has(hex)) continue; // A message may have no fields.
    hexes.add(hex);
    vectors.push({ message, hex });
  }
}
await Deno.writeTextFile(
  file,
  JSON.stringify({ version: PROTOCOL_VERSION, vectors }, toJson, 2) + "\n",
);
