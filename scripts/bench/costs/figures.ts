/**
 * What a measurement of costs gives, and the processes that it asks.
 *
 * @module
 */
import type { Runtime } from "../../runtimes_found.ts";
import { type Worker, Workers } from "../workers.ts";
import type { Commands } from "./node.ts";

/** One figure. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The target: at most this, or at least. */
  readonly most?: number;
  readonly least?: number;
}

/** How much is measured. */
export interface Effort {
  /** Entries of which the memory is taken. */
  readonly entries: number;
  /** Entries that are scanned. */
  readonly scanned: number;
  /** Bytes that a node gets when it joins, about. */
  readonly handedBytes: number;
  /** How long reads are timed while nothing else is done. */
  readonly quietMs: number;
  /** How long a ring that is complete is left alone before it is watched. */
  readonly calmMs: number;
  /** How long idle nodes are watched. */
  readonly idleMs: number;
  readonly starts: number;
  /** Sizes of idle rings. */
  readonly rings: readonly number[];
}

/** Whether a figure meets its target; `undefined` if it has none. */
export function isMet(
  { value, most, least }: Omit<Figure, "name" | "unit">,
): boolean | undefined {
  if (most !== undefined) return value <= most;
  return least === undefined ? undefined : value >= least;
}

/** The figure as a line. */
export function shownFigure(figure: Figure): string {
  const { name, value, unit, most, least } = figure;
  const places = value >= 100 || Number.isInteger(value) ? 0 : 2;
  const shown = `${value.toFixed(places)} ${unit}`;
  const met = isMet(figure);
  const target = most !== undefined
    ? `at most ${most}`
    : least !== undefined
    ? `at least ${least}`
    : "";
  const verdict = met === undefined ? "" : met ? "ok" : "missed";
  return `  ${name.padEnd(58)}${shown.padStart(20)}  ${target.padEnd(14)}` +
    verdict;
}

/** A process of `node.ts`, whose commands are asked by name. */
export class Subject {
  readonly #worker: Worker;

  constructor(worker: Worker) {
    this.#worker = worker;
  }

  ask<Name extends keyof Commands>(
    command: Name,
    ...args: Parameters<Commands[Name]>
  ): Promise<Awaited<ReturnType<Commands[Name]>>> {
    return this.#worker.ask({ command, args });
  }
}

/** Processes of one runtime, ended together. */
export class Subjects extends Workers {
  constructor(runtime: Runtime) {
    super({ runtime, core: undefined });
  }

  /** Starts one, and waits until it takes commands. */
  async add(): Promise<Subject> {
    const worker = this.start("costs/node.ts", {});
    await worker.next();
    return new Subject(worker);
  }
}
