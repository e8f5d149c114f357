import { assertEquals } from "@std/assert";
import {
  conformanceCases,
  type Outcome,
} from "../../src/testing/conformance/cases.ts";

/**
 * Tells each case that ran elsewhere as a step of a test: all cases must have
 * run, and only what the place lacks may be left out.
 */
export async function report(
  outcomes: AsyncIterable<Outcome> | Iterable<Outcome>,
  context: Deno.TestContext,
): Promise<void> {
  const names: string[] = [];
  for await (const { name, status, ms, why } of outcomes) {
    names.push(name);
    const isSkipped = status === "skipped";
    await context.step({
      name: `${name} (${isSkipped ? why : `${ms} ms`})`,
      ignore: isSkipped,
      fn: () => {
        if (status === "failed") throw new Error(why);
      },
    });
  }
  assertEquals(names, conformanceCases.map(({ name }) => name));
}

/** The outcomes in a body of one line of JSON for each. */
export async function* outcomesIn(response: Response): AsyncGenerator<Outcome> {
  if (!response.ok) throw new Error(await response.text());
  let rest = "";
  for await (
    const text of response.body!.pipeThrough(new TextDecoderStream())
  ) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
}
