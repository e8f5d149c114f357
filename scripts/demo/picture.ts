/**
 * The ring as text: one line, clockwise, a mark where each member is.
 *
 * @module
 */

/** A member as the picture shows it. */
export interface Mark {
  readonly name: string;
  /** Its position: 32 hexadecimal characters. */
  readonly through: string;
  /** How much of the ring it is the first holder of, from 0 to 1. */
  readonly share: number;
  readonly entries: number;
}

const WIDTH = 64;
const RING = 2 ** 32;

/** Draws the members in the order of the ring, with what each one holds. */
export function picture(marks: readonly Mark[]): string {
  const ring = [...marks].sort((a, b) => a.through < b.through ? -1 : 1);
  const line = new Array<string>(WIDTH).fill("─");
  for (const { name, through } of ring) {
    const at = parseInt(through.slice(0, 8), 16) / RING;
    line[Math.floor(at * WIDTH)] = name;
  }
  const rows = ring.map(({ name, through, share, entries }) => {
    const percent = `${(100 * share).toFixed(0)}%`.padStart(4);
    return `   ${name}  at ${
      through.slice(0, 8)
    }…  first holder of ${percent}` +
      `  holds ${String(entries).padStart(5)} entries`;
  });
  return [`   ╭${line.join("")}╮ and around`, ...rows].join("\n");
}
