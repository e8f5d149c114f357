/**
 * What a program was asked for.
 *
 * @module
 */

/**
 * Reads the program's arguments; if they cannot be used, says why and ends it.
 *
 * @param parse throws an error that says what is wrong with them
 */
export function wished<Wish>(parse: (args: readonly string[]) => Wish): Wish {
  try {
    return parse(Deno.args);
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(2);
  }
}
