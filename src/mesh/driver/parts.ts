/**
 * The seam between a socket and what works on top of the mesh in it.
 *
 * @module
 */
import type { Instant } from "../../base/machine.ts";
import type { NodeOptions } from "../../base/options.ts";
import type { Random } from "../../base/random.ts";
import type { Notice } from "../events.ts";
import type { MemberRecord } from "../../wire/messages.ts";
import type { NodeMachine } from "../node_machine.ts";
import type { Member, MemberHealth, MemberRole } from "./views.ts";

/** What a socket runs; extensions such as the dict put in more. */
export interface NodeParts {
  /** Takes the extension's operations too; `driverOf` says which. */
  readonly machine: NodeMachine<never>;
  /** Is told everything that the application is told. */
  onNotice(notice: Notice): void;
  /** The socket has closed. */
  onClose(): void;
}

/** Makes what a socket runs; what is inside a `MeshExtension`. */
export type BuildNode = (
  options: NodeOptions,
  random: Random,
  at: Instant,
) => NodeParts;

const ROLES: readonly MemberRole[] = ["leaf", "joining", "active", "leaving"];
const HEALTHS: readonly MemberHealth[] = ["alive", "suspect", "dead", "left"];

/** A record in words. */
export function viewOf(record: MemberRecord): Member {
  const role = ROLES[record.role]!;
  return {
    id: record.id,
    url: record.url,
    role,
    health: HEALTHS[record.health]!,
    position: role === "leaf" ? undefined : record.position,
  };
}
