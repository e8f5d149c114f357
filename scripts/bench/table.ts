/**
 * A benchmark's figures as a table for people.
 *
 * @module
 */
import { shownMs } from "../latencies.ts";
import {
  isRing,
  type Placement,
  type Report,
  type Target,
  TARGETS,
  wasBusy,
  worseness,
} from "./judge.ts";
import { type Result, type Spread, STALL_MS } from "./rows.ts";

/** One column: its heading, its width, and what it has of a row. */
type Column = readonly [string, number, (result: Result) => string];

/** Operations of many at once are shown by their rate, others by their time. */
export function isRate({ name, width, limit }: Result): boolean {
  const target = TARGETS[name];
  return width > 1 || limit === "echoes" ||
    (target !== undefined && "rateLeast" in target);
}

/** A target in words. */
export function shownTarget(target: Target | undefined): string {
  if (target === undefined) return "";
  if ("timeMost" in target) return `at most ${target.timeMost}`;
  if ("rateLeast" in target) return `at least ${target.rateLeast}`;
  return `at most ${target.usMost} µs`;
}

/** The ratio as the row's target has it: of times, or of rates. */
function shownRatio(result: Result): string {
  if (result.limit === undefined) return "";
  const { ratio } = result;
  const { median, least, most }: Spread = isRate(result)
    ? { median: 1 / ratio.median, least: 1 / ratio.most, most: 1 / ratio.least }
    : ratio;
  const target = TARGETS[result.name];
  const verdict = target === undefined
    ? ""
    : worseness(target, result) <= 1
    ? "ok"
    : "missed";
  const range = `(${least.toFixed(2)} to ${most.toFixed(2)})`;
  return `${median.toFixed(2)} ${range.padEnd(18)} ${verdict.padEnd(6)}`;
}

function shownUs(us: number): string {
  return `${us.toFixed(us < 10 ? 1 : 0)} µs`;
}

const COLUMNS: readonly Column[] = [
  ["median", 9, ({ p50Ms }) => shownMs(p50Ms)],
  ["p99", 9, ({ p99Ms }) => shownMs(p99Ms)],
  ["per s", 9, ({ perSecond }) => perSecond.toFixed(0)],
  ["CPU", 9, ({ cpuUs }) => shownUs(cpuUs)],
  [
    "× CPU",
    7,
    ({ limit, cpuRatio }) =>
      limit === undefined ? "" : cpuRatio.median.toFixed(2),
  ],
  ["× echo (least to most)", 35, shownRatio],
];

/** Whether operations of one at a time stalled. */
function stallsOf({ results }: Placement): string {
  const single = results.filter(({ width, name }) =>
    width === 1 && isRing(name)
  );
  const longest = Math.max(...single.map(({ longestMs }) => longestMs));
  const rows = single.filter(({ stalled }) => stalled.median > 0)
    .map(({ name, stalled }) =>
      `${name} (${(100 * stalled.median).toFixed(1)}%)`
    );
  return `longest operation ${shownMs(longest)}; rows of which most rounds ` +
    `have one of ${STALL_MS} ms or more: ${rows.join(", ") || "none, ok"}`;
}

/** The lines of one report. */
export function tableOf(report: Report): string {
  const { runtime, version, nodes, placements } = report;
  const lines = [`\n${runtime} ${version}, a ring of ${nodes}`];
  for (const placement of placements) {
    const { core, results } = placement;
    lines.push(
      core === "any"
        ? "processes on any core"
        : `all processes on core ${core}`,
      "".padEnd(18) +
        COLUMNS.map(([name, width]) => name.padStart(width))
          .join("") +
        "  target",
    );
    for (const result of results) {
      const { name } = result;
      const cells = COLUMNS.map(([, width, of]) => of(result).padStart(width));
      lines.push(
        name.padEnd(18) + cells.join("") + "  " + shownTarget(TARGETS[name]),
      );
    }
    lines.push(stallsOf(placement));
  }
  if (wasBusy(report)) {
    lines.push(
      "The machine was busy with something else: trust the processor time only",
    );
  }
  return lines.join("\n");
}
