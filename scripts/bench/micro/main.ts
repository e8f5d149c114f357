/**
 * The process that measures, on whatever runtime it is started, told by
 * {@linkcode Effort} as JSON. It says the timings.
 *
 * @module
 */
import process from "node:process";
import { say } from "../platform.ts";
import { clockCases, hashCases, idCases } from "./id_cases.ts";
import {
  holderCases,
  memberCases,
  replicaCases,
  tableCases,
} from "./store_cases.ts";
import { type Case, type Effort, time } from "./timing.ts";
import { codecCases, framerCases } from "./wire_cases.ts";

const effort: Effort = JSON.parse(process.argv[2]!);
/** What a call of nothing takes: all others have it in them. */
const nothing: Case = { group: "nothing", name: "a call", run: (at) => at };
say(time([
  nothing,
  ...codecCases(),
  ...framerCases(),
  ...hashCases(),
  ...idCases(),
  ...clockCases(),
  ...holderCases(),
  ...memberCases(),
  ...tableCases(),
  ...replicaCases(),
], effort));
