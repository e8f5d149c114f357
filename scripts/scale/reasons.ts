/**
 * Why figures miss what is wanted, and by how much; shown in the table.
 *
 * @module
 */

/** By the figures' ids. */
export const REASONS: Readonly<Record<string, string>> = {
  "churn.firstTry":
    "0.44% less: a node without a link to the holder asks it through others, " +
    "and some of these questions do not get there in time, though the holder " +
    "lives; then the next one is asked as well.",
  "churn.bytes":
    "741 B/s more: 200 lookups a second open as many links, each of which " +
    "begins with how far every origin's broadcasts are, and the news of " +
    "members come in messages of one record, 90 bytes each.",
  "detection.silent.1000":
    "860 ms more at the 99th percentile, where one of a thousand ends every " +
    "600 ms; at 100 nodes it is within. The cause is not known yet.",
  "members.bytes":
    "46 B/s more, among a thousand of whom one ends, and one joins, every " +
    "600 ms; what new links tell of every origin's broadcasts is part of it.",
  "fast.bytes":
    "with full membership each node hears of each life three times (joining, " +
    "active, dead), 90 bytes each; at 1.4 min that is more than Bamboo's " +
    "nodes send, which know a few dozen others. Nodes that know only some of " +
    "the members are the answer to such a life.",
  "pauses.hours":
    "small sizes watch minutes; the 24 hours are in the full form, in parts " +
    "that run one by one (--only pauses1, …).",
};
