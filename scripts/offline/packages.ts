/**
 * Decides once where the test packages come from: JSR, or the stand-ins here.
 *
 * @module
 */

const JSR = "https://jsr.io/@std/assert/meta.json";
const ANSWER_MS = 3_000;

async function canReachJsr(): Promise<boolean> {
  try {
    const answer = await fetch(JSR, { signal: AbortSignal.timeout(ANSWER_MS) });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false; // No name server, no route, no answer: it is all one.
  }
}

/** Arguments for `deno check` and `deno test`; says so when they are needed. */
export async function packageArgs(): Promise<string[]> {
  if (await canReachJsr()) return [];
  console.log(
    "jsr.io cannot be reached: @std/* come from scripts/offline instead",
  );
  return ["--import-map=scripts/offline/import_map.json"];
}
