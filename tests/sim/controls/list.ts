/**
 * All negative controls: what is wrong on purpose, and must be noticed.
 *
 * @module
 */
import { RING_DEFECTS } from "../../../src/testing/ring_defects.ts";
import type { Control } from "./control.ts";
import { RULES } from "./rules.ts";
import { STORIES } from "./stories.ts";
import { WRAPPERS } from "./wrappers.ts";

export const CONTROLS: readonly Control[] = [
  ...RULES,
  ...STORIES,
  ...WRAPPERS,
  ...RING_DEFECTS,
];
