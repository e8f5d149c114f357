/**
 * Why figures miss what is wanted, and by how much; shown in the table.
 *
 * @module
 */

/** By the figures' ids. */
export const REASONS: Readonly<Record<string, string>> = {
  "churn.firstTry":
    "at small sizes only (--quick), where it is 2 of 1,501 lookups: between " +
    "the end of a process and the news of it lie 0.1 s in which whoever has " +
    "no link to it asks it in vain.",
  "churn.bytes":
    "526 B/s more. The largest part are marks, of how far each origin's " +
    "broadcasts are: right after the ring has filled 887 of 1,970 B/s, as " +
    "each new link tells of every origin ever heard, and each broadcast is " +
    "told of in ten heartbeats to eight neighbours. News of members are 554 " +
    "B/s of it, the tables of who joins 103.",
  "members.bytes":
    "38 B/s more: about 590 B/s are news of members, in messages of one " +
    "record and 90 bytes each; the tables of who joins are 105 B/s, what goes " +
    "through others is 55 B/s.",
  "fast.bytes":
    "with full membership each node hears of each life three times (joining, " +
    "active, dead), 90 bytes each; at 1.4 min that is more than Bamboo's " +
    "nodes send, which know a few dozen others. Nodes that know only some of " +
    "the members are the answer to such a life.",
  "pauses.hours":
    "small sizes watch minutes; the 24 hours are in the full form, in parts " +
    "that run one by one (--only pauses1, …).",
};
