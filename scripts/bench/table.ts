/**
 * A benchmark's figures as a table for people.
 *
 * @module
 */
import { shownMs } from "../latencies.ts";
import {
  type Placement,
  type Report,
  type Target,
  TARGETS,
  worseness,
} from "./judge.ts";
import { type Result, type Spread, STALL_MS } from "./rows.ts";

/** One column: its heading, its width, and what it has of a row. */
type Column = readonly [string, number, (result: Result) => string];

/** Operations of many at once are shown by their rate, others by their time. */
function isRate({ name, width, limit }: Result): boolean {
  const target = TARGETS[name];
  return width > 1 || limit === "echoes" ||
    (target !== undefined && "rateLeast" in target);
}

function shownTarget(target: Target | undefined): string {
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
  return `${median.toFixed(2)} ${range.padEnd(16)} ${verdict.padEnd(6)}`;
}

function shownUs(us: number): string {
  return `${us.toFixed(us < 10 ? 1 : 0)} µs`;
}

function columnsOf(core: number | undefined): readonly Column[] {
  const where = core === undefined ? "" : `, on core ${core}`;
  return [
    [`median${where}`, 9, ({ p50Ms }) => shownMs(p50Ms)],
    ["p99", 9, ({ p99Ms }) => shownMs(p99Ms)],
    ["per s", 9, ({ perSecond }) => perSecond.toFixed(0)],
    ["CPU", 9, ({ cpuUs }) => shownUs(cpuUs)],
    [
      "× CPU",
      7,
      ({ limit, cpuRatio }) =>
        limit === undefined ? "" : cpuRatio.median.toFixed(2),
    ],
    ["× echo (least to most)", 31, shownRatio],
  ];
}

function lineOf(
  { results, core }: Placement,
  name: string,
): string {
  const result = results.find((one) => one.name === name)!;
  return columnsOf(core)
    .map(([, width, of]) => of(result).padStart(width)).join("");
}

/** Whether operations of one at a time stalled. */
function stallsOf({ results }: Placement): string {
  const single = results.filter(({ width, name }) =>
    width === 1 && !name.startsWith("echo")
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
export function tableOf(
  { runtime, version, nodes, placements }: Report,
): string {
  const lines = [`\n${runtime} ${version}, a ring of ${nodes}`];
  for (const placement of placements) {
    const { core, results } = placement;
    lines.push(
      core === undefined
        ? "processes on any core"
        : `all processes on core ${core}`,
      "".padEnd(18) +
        columnsOf(undefined).map(([name, width]) => name.padStart(width))
          .join("") +
        "  target",
    );
    for (const { name } of results) {
      lines.push(
        name.padEnd(18) + lineOf(placement, name) + "  " +
          shownTarget(TARGETS[name]),
      );
    }
    lines.push(stallsOf(placement));
  }
  return lines.join("\n");
}
