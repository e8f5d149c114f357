/**
 * A benchmark's figures as the tables of the README.
 *
 * @module
 */
import { shownMs } from "../latencies.ts";
import { BOUNDS, type Report, TARGETS } from "./judge.ts";
import type { Result } from "./rows.ts";
import { isRate, shownTarget } from "./table.ts";

/** Rows of the README, in its words. */
const ROWS: readonly (readonly [string, string])[] = [
  ["echo", "echo of 96 B"],
  ["get, remote", "`get` from another node"],
  ["get, missing", "`get` of a missing key"],
  ["get, local", "`get` of a key that is here"],
  ["set, 3 copies", "`set`, three copies"],
  ["pop", "`pop`"],
  ["echoes", "echoes a second, 64 at once"],
  ["gets, remote", "`get`s a second, 64 at once"],
  ["sets, 3 copies", "`set`s a second, 64 at once"],
  ["events", "events heard a second"],
  ["keys(), an entry", "keys scanned a second"],
  ["gets, 256 kB", "`get`s of 256 kB, 8 at once"],
  ["sets, 256 kB", "`set`s of 256 kB, 8 at once"],
];

const rowOf = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

function cellOf(result: Result): string {
  const { limit, ratio, p50Ms, perSecond, width } = result;
  const isMany = width > 1 || limit === "echoes";
  const rate = Math.round(Number(perSecond.toPrecision(2)));
  const shown = isMany ? rate.toLocaleString("en-US") : shownMs(p50Ms);
  if (limit === undefined) return shown;
  const times = isRate(result) ? 1 / ratio.median : ratio.median;
  return `${shown}, ${times.toPrecision(2)} ×`;
}

/** Figures of rings of three on any core, one column for each runtime. */
function figuresOf(reports: readonly Report[]): string[] {
  const shown = reports.filter(({ nodes }) => nodes === 3);
  const heads = shown.map(({ runtime, version }) =>
    `${runtime.replace(/\d+$/, "")} ${version.replace(/\.\d+$/, "")}`
  );
  const lines = ROWS.map(([name, words]) => {
    const cells = shown.map(({ placements }) =>
      cellOf(placements[0]!.results.find((row) => row.name === name)!)
    );
    return rowOf([words, ...cells, shownTarget(TARGETS[name])]);
  });
  const head = ["Median, and times the echo", ...heads, "Wanted"];
  return [rowOf(head), rowOf(head.map(() => "---")), ...lines];
}

/** The bounds that are not twice a target. */
export function boundsMarkdown(): string[] {
  const lines = BOUNDS.map(({ rows, runtime, timeMost, because }) =>
    rowOf([
      rows.map((row) => `\`${row}\``).join(", ") +
      (runtime === undefined ? "" : `, on ${runtime}`),
      `${timeMost}`,
      because,
    ])
  );
  const head = ["Fails above", "Times its echo", "Because"];
  return [rowOf(head), rowOf(head.map(() => "---")), ...lines];
}

/** Both tables; `deno fmt` gives them their widths. */
export function markdownOf(reports: readonly Report[]): string {
  return ["", ...figuresOf(reports), "", ...boundsMarkdown(), ""].join("\n");
}
