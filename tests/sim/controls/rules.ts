/**
 * Rules of the product, each left out in turn.
 *
 * @module
 */
import {
  type Control,
  inRuns,
  type Profile,
  withOptions,
  without,
} from "./control.ts";

/** Members come, go and lose sight of each other all the time. */
const RESTLESS: Profile = {
  options: {
    members: 7,
    minutes: 6,
    dropAfterMs: 5_000,
    downMaxMs: 5_000,
    coldKeys: 100,
    clients: 4,
    thinkMs: 300,
  },
  faults: { crash: 2, pause: 2, split: 2, oneWayCut: 2, leave: 4, reset: 6 },
};

/** Links break and nothing else does. */
const TORN: Profile = {
  options: { members: 6 },
  faults: { reset: 20, halfOpen: 10, blackHole: 4, clog: 10 },
};

/** The rules of entries and their copies. */
const ENTRIES: readonly Control[] = [
  inRuns(
    "a write is acknowledged when one holder has it",
    ["acknowledgedOnAllHolders"],
    () => without("acknowledgedByAll"),
  ),
  inRuns(
    "a write goes to one holder only",
    ["acknowledgedOnAllHolders"],
    () => withOptions(() => ({ replicas: 1 })),
  ),
  inRuns(
    "a write goes to two holders of three",
    ["acknowledgedOnAllHolders"],
    () => withOptions(() => ({ replicas: 2 })),
  ),
  inRuns(
    "a write older than what is there is dropped in silence",
    ["readsAreFresh", "linearizable"],
    () => without("staleIsTold"),
    { options: { clockOffsetMaxMs: 2_000, hotKeys: 2, hotShare: 0.8 } },
    3,
  ),
  inRuns(
    "a copy is dropped whatever the holders answer",
    ["copiesAreDroppedSafely", "noLostWrite"],
    () => without("droppedOnceConfirmed"),
    RESTLESS,
    5,
  ),
  inRuns(
    "any node with a copy confirms a drop",
    ["confirmersHold"],
    () => without("onlyHoldersConfirm"),
    RESTLESS,
    5,
  ),
  inRuns(
    "deletes are forgotten after a second",
    ["copiesAreDroppedSafely", "noLostWrite"],
    () =>
      withOptions(({ timings }) => ({
        timings: { ...timings, tombstoneMs: 1_000, antiEntropyMs: 1_000 },
      })),
  ),
  inRuns(
    "leases end before their time",
    ["oneOwner"],
    () => withOptions(() => ({ leaseMs: 1 })),
    { lives: { leasing: true } },
  ),
];

/** The rules of members, messages and resources. */
const MESH: readonly Control[] = [
  inRuns(
    "a broadcast that comes twice is handed out twice",
    ["castsInOrder"],
    () => without("castsOnce"),
    TORN,
    5,
  ),
  inRuns(
    "nobody asks for a broadcast that it misses",
    ["castsComplete"],
    () => without("gapsAreAsked"),
    TORN,
    5,
  ),
  inRuns(
    "who is taken for dead does not object",
    ["tablesAgree", "oneRing", "allSettled"],
    () => without("deathsAreRefuted"),
    { options: { members: 6 }, faults: { pause: 4, split: 2 } },
    5,
  ),
  inRuns(
    "an older record replaces a newer one",
    ["incarnationsRise", "deadStayDead"],
    () => without("newerRecordsWin"),
    {
      options: { members: 9, minutes: 4 },
      faults: { crash: 2, pause: 10, clog: 20, split: 2 },
    },
    5,
  ),
  inRuns(
    "tables that differ are never compared",
    ["tablesAgree", "oneRing", "allSettled"],
    () => without("tablesAreCompared"),
    { options: { members: 6 }, faults: { split: 3, oneWayCut: 3 } },
    5,
  ),
  inRuns(
    "deadlines outlive what they are for",
    ["deadlinesEnd", "boundedQueues"],
    () => without("deadlinesEnd"),
    { options: { clients: 40, thinkMs: 200 } },
    5,
  ),
];

/** More members than each of them knows. */
const LARGE: Profile = {
  options: { members: 20, fullTableMax: 8, timeoutMs: 10_000 },
};

/** The rules of a ring that nobody knows whole. */
const FAR: readonly Control[] = [
  inRuns(
    "who does not know the holders takes others for them",
    // Who is taken for a holder says that it is none, and proves nothing.
    ["callsEnd"],
    () => without("farIsHandedOn"),
    { options: { ...LARGE.options, clients: 0, watchers: 0 } },
  ),
  inRuns(
    "what is handed on goes to anybody",
    ["hopsComeNearer"],
    () => without("hopsComeNearer"),
    LARGE,
  ),
  inRuns(
    "who is near by its id only is never asked for",
    ["tablesAgree"],
    () => without("idsAreCompared"),
    {
      options: {
        ...LARGE.options,
        members: 24,
        minutes: 2,
        leaves: 2,
        buggify: { newsSkipped: 0.5 },
      },
      faults: { split: 3, crash: 2 },
    },
    5,
  ),
  inRuns(
    "what is handed on to anybody is so for ever",
    ["hopsAreFew"],
    () => without("hopsComeNearer", "hopsAreLimited"),
    // With more members no newcomer would find its place, which shows first.
    { options: { ...LARGE.options, members: 18 } },
    5,
  ),
];

export const RULES: readonly Control[] = [...ENTRIES, ...MESH, ...FAR];
