/**
 * Everything that must be true of a simulated world, by name: the one list.
 *
 * A run ends with the name of what it found violated first. The letters are
 * those of the protocol's own list of invariants; what has none came up later.
 *
 * @module
 */

/** What must be true, and when it is looked at. */
export interface Invariant {
  /** Its letter and number in the protocol, if it has one. */
  readonly label: string;
  readonly claim: string;
  readonly when: string;
}

const STEP = "at each step";
const SECOND = "each virtual second";
const ANSWER = "when a call ends";
const CALM = "over the part of a run without faults";
const HEALED = "within 60 s of the last fault";
const RING = "twice a second from 30 s after the last fault on";
const END = "at the end";

const list = {
  machinesNeverThrow: {
    label: "",
    claim: "no event makes a machine throw",
    when: STEP,
  },
  machinesComeToRest: {
    label: "",
    claim: "no machine wakes for ever at one moment",
    when: STEP,
  },
  callsEnd: {
    label: "",
    claim: "every call ends by its own deadline",
    when: SECOND,
  },
  // The ring.
  oneLiveSuccessor: {
    label: "I1",
    claim: "every member has a live entry in its successor list",
    when: RING,
  },
  sufficientPrincipals: {
    label: "I2",
    claim: "at least L + 1 members are passed over by no successor list",
    when: RING,
  },
  oneRingOfSuccessors: {
    label: "I3",
    claim: "first live successors form exactly one ring",
    when: RING,
  },
  orderedRing: {
    label: "I4",
    claim: "the ring is in the order of the places",
    when: RING,
  },
  connectedAppendages: {
    label: "I5",
    claim: "first live successors lead from every member into the ring",
    when: RING,
  },
  orderedSuccessors: {
    label: "I6",
    claim: "successor lists have L entries, in order, each once",
    when: RING,
  },
  principalsStay: {
    label: "I7",
    claim: "who is passed over by no list stays so while nobody fails",
    when: RING,
  },
  idealRing: {
    label: "",
    claim: "every list is the next L members, predecessors fit successors",
    when: HEALED,
  },
  // Membership.
  incarnationsRise: {
    label: "M1",
    claim: "what a node knows of another one's incarnation never falls",
    when: SECOND,
  },
  selfIsAlive: {
    label: "M2",
    claim: "no node believes itself suspect or dead",
    when: SECOND,
  },
  deadStayDead: {
    label: "M3",
    claim: "who is dead or has left with one incarnation is not back with it",
    when: SECOND,
  },
  tablesAgree: {
    label: "M4",
    claim: "all nodes have the same records of all nodes that run",
    when: HEALED,
  },
  oneRing: {
    label: "",
    claim: "all nodes see one ring of exactly the active members that run",
    when: HEALED,
  },
  allSettled: {
    label: "",
    claim: "every member is active, and compared with its co-holders",
    when: HEALED,
  },
  // Finding who holds what.
  ownersAgree: {
    label: "K1",
    claim: "every node finds the first holder that the sorted ring has",
    when: END,
  },
  hopsAreFew: {
    label: "K2",
    claim: "nothing is handed on more than 32 times",
    when: SECOND,
  },
  hopsComeNearer: {
    label: "K3",
    claim: "what is handed on comes nearer with each hop, so never in a loop",
    when: SECOND,
  },
  // Entries.
  versionsNeverFall: {
    label: "A1",
    claim: "the version of a copy never falls",
    when: "at each change of a copy",
  },
  noLostWrite: {
    label: "A2",
    claim: "an acknowledged write, or a newer one, is held by a node that runs",
    when: "every 10 s, before each crash, and at the end",
  },
  acknowledgedOnAllHolders: {
    label: "A2",
    claim: "who is named as having confirmed a write has it, and they are " +
      "as many as promised",
    when: ANSWER,
  },
  copiesAreDroppedSafely: {
    label: "A3",
    claim: "a copy is dropped only while R others have it",
    when: "at each deletion of a copy, and every 10 s",
  },
  confirmersHold: {
    label: "A3",
    claim: "who confirms that it has a copy is a holder by its own view",
    when: STEP,
  },
  convergedReplicas: {
    label: "A4",
    claim: "every key is held by its first R members, equal byte by byte; " +
      "two minutes later by nobody else",
    when: HEALED,
  },
  noResurrectedDelete: {
    label: "A5",
    claim: "no value is there that is not newer than an acknowledged delete",
    when: END,
  },
  linearizable: {
    label: "A6",
    claim: "the operations on a key behave as if each happened at one moment",
    when: CALM,
  },
  readsAreFresh: {
    label: "A6",
    claim: "no read gives what was replaced before it began",
    when: CALM,
  },
  poppedOnce: { label: "", claim: "no value is popped twice", when: CALM },
  poppedEverywhere: {
    label: "",
    claim: "after a pop all holders know that its value is gone",
    when: ANSWER,
  },
  readsAreProven: {
    label: "",
    claim: "no read gives a value that was never written to that key",
    when: ANSWER,
  },
  finalReadIsNewest: {
    label: "",
    claim: "every node reads the newest version of every key",
    when: END,
  },
  leaversHandOver: {
    label: "",
    claim: "who has left has handed all it held to as many as there should be",
    when: ANSWER,
  },
  expiredIsGone: {
    label: "",
    claim: "no value is shown, or kept, whose time is over",
    when: "every 8 s, and " + CALM,
  },
  sessionEnds: {
    label: "",
    claim: "no value of a session outlives its writer",
    when: HEALED,
  },
  oneOwner: {
    label: "",
    claim: "nobody else changes a key during its owner's lease",
    when: CALM,
  },
  // What applications are told.
  eventsInVersionOrder: {
    label: "",
    claim: "a node is told of the changes of a key in version order",
    when: STEP,
  },
  toldOfAll: {
    label: "",
    claim: "who has everything was told of each value that it has",
    when: END,
  },
  watchInVersionOrder: {
    label: "",
    claim: "a watch tells each change of a key once, in version order",
    when: STEP,
  },
  watchComplete: {
    label: "",
    claim: "a watch has told what is there",
    when: HEALED,
  },
  castsInOrder: {
    label: "C1",
    claim: "no broadcast is heard twice, or after a later one of its origin",
    when: STEP,
  },
  castsComplete: {
    label: "C2",
    claim: "who runs hears every broadcast, or is told that it is lost",
    when: STEP + ", and " + HEALED,
  },
  castsAreThrifty: {
    label: "C3",
    claim: "without faults a broadcast takes one message for each receiver",
    when: CALM,
  },
  repliesOnce: {
    label: "",
    claim: "no reply arrives twice, or after it failed for certain",
    when: STEP,
  },
  repliesAreTrue: {
    label: "",
    claim: "what is said of a reply is what became of it",
    when: ANSWER,
  },
  // Resources.
  boundedQueues: {
    label: "R1",
    claim: "nothing that can grow is beyond its bound",
    when: SECOND,
  },
  deadlinesEnd: {
    label: "R2",
    claim: "a node has few deadlines besides those of what it has and waits " +
      "for; who has closed has none",
    when: SECOND + ", and when a process ends in good order",
  },
  idleIsCheap: {
    label: "R3",
    claim: "a node that is not used sends few frames and bytes",
    when: END,
  },
  // Not of the product.
  codeEnds: {
    label: "",
    claim: "what an application runs on the simulated network ends",
    when: STEP,
  },
  story: {
    label: "",
    claim: "what a scenario asks for is done",
    when: ANSWER,
  },
  simulatorItself: {
    label: "",
    claim: "the simulator and its checkers do not throw",
    when: STEP,
  },
} as const satisfies Record<string, Invariant>;

/** The name of an invariant. */
export type InvariantName = keyof typeof list;

/** All invariants, by name. */
export const INVARIANTS: Readonly<Record<InvariantName, Invariant>> = list;
