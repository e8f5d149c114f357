/**
 * A node of the mesh that keeps its share of the dict.
 *
 * @module
 */
import type { Instant } from "../base/machine.ts";
import type { NodeOptions } from "../base/options.ts";
import type { Random } from "../base/random.ts";
import { NodeMachine } from "../mesh/node_machine.ts";
import { Dict } from "./dict.ts";
import type { DictOperation } from "./operations.ts";

/** The machine behind a `ChordSocket`. */
export class ChordMachine extends NodeMachine<DictOperation> {
  /** The dict's part, for the drivers to look at. */
  readonly dict: Dict;

  constructor(options: NodeOptions, random: Random, at: Instant) {
    let dict: Dict | undefined;
    super(options, random, at, (context, peers) => {
      dict = new Dict(context, peers);
      return dict;
    });
    this.dict = dict!;
  }
}
