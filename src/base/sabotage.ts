/**
 * What a simulation may do to a machine from within.
 *
 * Two things: take a way that is allowed but seldom taken ("buggify", as in
 * FoundationDB), and leave out a rule, which some check must then notice; a
 * check that has never failed proves nothing. Nothing that an application can
 * set leads here: without a simulation there is no such object, and each point
 * that asks costs one comparison with `undefined`. Subclasses in the tests were
 * the alternative; they cannot reach into a step, where the rules are.
 *
 * @module
 */

/** Ways that are allowed at any time, and seldom taken. */
export type BuggifyPoint =
  /** A time-out is over sooner. */
  | "earlyTimeout"
  /** A page holds one entry only. */
  | "tinyPage"
  /** A read asks all holders, not the first only. */
  | "slowRead"
  /** There is no room for another request. */
  | "requestsFull"
  /** A broadcast is not passed on, as to a peer that takes too little. */
  | "castSkipped"
  /** News of members wait for the next comparison of tables. */
  | "newsSkipped"
  /** A copy that could be dropped is kept until the next sweep. */
  | "dropSkipped";

/** Rules that can be left out, each by what is kept while it is there. */
export type Rule =
  /** A write is acknowledged when all its holders have it. */
  | "acknowledgedByAll"
  /** A write that is older than what is there is told so. */
  | "staleIsTold"
  /** A read-modify-write is newer than what it replaces. */
  | "replacedIsObserved"
  /** A copy is dropped only once all holders have confirmed that they have it. */
  | "droppedOnceConfirmed"
  /** Only holders by their own view confirm that they have a copy. */
  | "onlyHoldersConfirm"
  /** What was confirmed counts for the page and the ring that asked for it. */
  | "confirmationsAreFresh"
  /** A joiner becomes active, and is read from, when it has caught up. */
  | "activeOnceReady"
  /** Who leaves is asked, too, where no holder has caught up. */
  | "leaversAreAsked"
  /** A broadcast that was handed out is not handed out again. */
  | "castsOnce"
  /** What is missing of a broadcast is asked for. */
  | "gapsAreAsked"
  /** A node that is taken for dead says that it is not. */
  | "deathsAreRefuted"
  /** An older record of a node replaces no newer one. */
  | "newerRecordsWin"
  /** Tables that differ are compared. */
  | "tablesAreCompared"
  /** The deadline of what has ended is forgotten. */
  | "deadlinesEnd"
  /** What is far is handed on, and not done by who does not know the holders. */
  | "farIsHandedOn"
  /** What is handed on goes to the nearest member, and to none that is further. */
  | "hopsComeNearer"
  /** Where nobody knows all, news go to those only whom they concern. */
  | "newsStayNear"
  /** There also who is near in the order of the ids is compared. */
  | "idsAreCompared"
  /** Nothing is handed on for ever. */
  | "hopsAreLimited"
  /** A peer that takes too little is cut off. */
  | "queuesAreBounded";

/** Asked by the machines of one node of a simulation. */
export interface Sabotage {
  /** Whether to take an unlikely way this time. */
  isUnlucky(point: BuggifyPoint): boolean;
  /** Whether a rule is left out. */
  lacks(rule: Rule): boolean;
}
