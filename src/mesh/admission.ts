/**
 * Who may link to a node.
 *
 * @module
 */
import { Health, type MemberRecord } from "../wire/messages.ts";
import { EVERYWHERE } from "../base/options.ts";
import { CloseCode } from "./close_codes.ts";
import type { Context } from "./context.ts";
import type { Refusal } from "./links.ts";
import type { Table } from "./table.ts";

/** Takes what a node says of itself; gives why it may not link, if so. */
export function admit(
  { nowMs, options }: Context,
  table: Table,
  record: MemberRecord,
): Refusal | undefined {
  const { id } = record;
  const { away, overloaded } = CloseCode;
  if (table.get(id)?.health === Health.left) {
    return { code: away, reason: "the node has left; restart it" };
  }
  if (table.isAwayTooLong(id, nowMs)) {
    return { code: away, reason: "the node was away too long; restart it" };
  }
  const { fullTableMax, replicas } = options;
  const isNew = table.get(id) === undefined;
  if (
    replicas === EVERYWHERE && isNew && table.order.length >= fullTableMax
  ) {
    // Whoever holds everything compares with everybody.
    const reason = `all hold everything here: at most ${fullTableMax} nodes`;
    return { code: overloaded, reason };
  }
  table.apply({ ...record, health: Health.alive }, "hello", nowMs);
  return table.get(id) === undefined
    ? { code: overloaded, reason: "the member table is full" }
    : undefined;
}
