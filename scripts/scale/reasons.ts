/**
 * Why figures miss what is wanted, and by how much; shown in the table.
 *
 * @module
 */

/** By the figures' ids. */
export const REASONS: Readonly<Record<string, string>> = {
  "fast.bytes":
    "with full membership each node hears of each life three times (joining, " +
    "active, dead), 90 bytes each; at 1.4 min that is more than Bamboo's " +
    "nodes send, which know a few dozen others. Nodes that know only some of " +
    "the members are the answer to such a life.",
  "pauses.hours":
    "small sizes watch minutes; the 24 hours are in the full form, in parts " +
    "that run one by one (--only pauses1, …).",
};
