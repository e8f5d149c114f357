/**
 * The ring as text: one line, clockwise, a mark where each member is.
 *
 * @module
 */

/** A member as the picture shows it. */
export interface Mark {
  readonly name: string;
  /** 32 hexadecimal characters. */
  readonly position: string;
  readonly entries: number;
}

const WIDTH = 64;
const RING = 2 ** 32;

/** How far around the ring a position is, from 0 to 1. */
function share(position: string): number {
  return parseInt(position.slice(0, 8), 16) / RING;
}

/**
 * Draws the members in the order of the ring, with what each one holds and how
 * much of the ring it is the first holder of.
 */
export function picture(marks: readonly Mark[]): string {
  const ring = [...marks].sort((a, b) => a.position < b.position ? -1 : 1);
  const line = new Array<string>(WIDTH).fill("─");
  for (const { name, position } of ring) {
    line[Math.floor(share(position) * WIDTH)] = name;
  }
  const rows = ring.map(({ name, position, entries }, at) => {
    const before = share(ring[(at + ring.length - 1) % ring.length]!.position);
    const arc = ring.length === 1 ? 1 : (share(position) - before + 1) % 1;
    const percent = `${(100 * arc).toFixed(0)}%`.padStart(4);
    return `   ${name}  at ${
      position.slice(0, 8)
    }…  first holder of ${percent}` +
      `  holds ${String(entries).padStart(5)} entries`;
  });
  return [`   ╭${line.join("")}╮ and around`, ...rows].join("\n");
}
