/**
 * What is measured, what others have published of it, and what is wanted.
 *
 * @module
 */

/** One figure of the table. */
export interface Spec {
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  /** What is known of others, or of a model, and from where. */
  readonly published: string;
  /** The most, or the least, that is wanted; neither: it is told, not judged. */
  readonly max?: number;
  readonly min?: number;
}

/** Rings that stand still, and the mean hops of the model: see `hopsOf`. */
const MODEL: readonly (readonly [number, number, number, number, number])[] = [
  [16, 0.94, 1.25, 0, 0],
  [64, 0.98, 1.82, 0, 0],
  [256, 1.00, 2.39, 0, 0],
  [1_024, 1.00, 2.80, 0, 0],
  [4_096, 1.00, 3.33, 1.78, 0],
  [16_384, 0, 3.74, 2.32, 1.78],
  [65_536, 0, 4.27, 2.88, 2.33],
  [262_144, 0, 4.69, 3.33, 2.83],
  [1_000_000, 0, 5.18, 3.84, 3.37],
];

/** The kinds of knowledge in the order of the model's columns. */
export const KNOWLEDGE = [
  { name: "full", what: "full membership", isFull: true, cache: 0 },
  { name: "fingers", what: "fingers", isFull: false, cache: 0 },
  { name: "cache1024", what: "a cache of 1,024", isFull: false, cache: 1_024 },
  { name: "cache4096", what: "a cache of 4,096", isFull: false, cache: 4_096 },
] as const;

/** The static rings, and which columns of the model they have. */
export function hopsCases(): { nodes: number; columns: number[] }[] {
  return MODEL.map(([nodes, ...model]) => ({
    nodes,
    columns: [0, 1, 2, 3].filter((column) => model[column] !== 0),
  }));
}

const HOPS_MAX: Readonly<Record<string, number>> = {
  "hops.fingers.1000000": 5.3,
  "hops.cache4096.65536": 2.4,
  "hops.cache4096.1000000": 3.5,
};

function hopsSpecs(): Spec[] {
  return MODEL.flatMap(([nodes, ...model]) =>
    KNOWLEDGE.flatMap(({ name, what, isFull }, column) => {
      if (model[column] === 0) return [];
      const id = `hops.${name}.${nodes}`;
      const max = isFull ? 1 : HOPS_MAX[id];
      const of = `${nodes.toLocaleString("en")} nodes, ${what}`;
      return [{
        id,
        what: `mean hops, ${of}`,
        unit: "hops",
        published: `${model[column]!.toFixed(2)} (model), ` +
          `${(Math.log2(nodes) / 2).toFixed(2)} (Chord)`,
        ...(max === undefined ? {} : { max }),
      }, {
        id: `${id}.p99`,
        what: `p99 hops, ${of}`,
        unit: "hops",
        published: "",
      }];
    })
  );
}

const FIRST_TRY = "99% (Gupta and others, NSDI 2004)";
const DETECTION = "8 s or more at 100, 12 s at 1,000 (memberlist)";

/** All figures, in the order of the table. */
export const SPECS: readonly Spec[] = [
  ...hopsSpecs(),
  ...[
    ["churn", "1,000 nodes, processes end"],
    ["silent", "256 nodes, hosts lose power"],
  ].flatMap(
    ([job, how]) => [
      {
        id: `${job}.firstTry`,
        what: `lookups that ask one node only, mean life 10 min, ${how}`,
        unit: "%",
        published: FIRST_TRY,
        min: job === "churn" ? 99.9 : 99,
      },
      {
        id: `${job}.failed`,
        what: `of 10,000 lookups without an answer, ${how}`,
        unit: "",
        published: "0 to 16 (Chord, at 0.05 to 0.4 changes/s)",
        max: 1,
      },
      {
        id: `${job}.wrong`,
        what: `wrong answers, ${how}`,
        unit: "",
        published: "",
        max: 0,
      },
      {
        id: `${job}.askedMax`,
        what: `nodes asked by one lookup at most, ${how}`,
        unit: "nodes",
        published: "",
      },
    ],
  ),
  {
    id: "churn.hops",
    what: "mean hops of lookups, 1,000 nodes of which not all are linked",
    unit: "hops",
    published: "",
  },
  {
    id: "members.bytes",
    what: "sent by one of 1,000 nodes, mean life 10 min, nobody asks anything",
    unit: "B/s",
    published: "328 (formula, news of members alone)",
    max: 900,
  },
  {
    id: "members.messages",
    what: "the same in messages",
    unit: "1/s",
    published: "",
  },
  {
    id: "churn.bytes",
    what: "the same, mean life 10 min, 200 lookups a second included",
    unit: "B/s",
    published: "",
    max: 900,
  },
  {
    id: "churn.messages",
    what: "the same in messages",
    unit: "1/s",
    published: "",
  },
  {
    id: "fast.bytes",
    what: "the same in bytes, median life 1.4 min",
    unit: "B/s",
    published: "< 900 at 1,000 nodes (Bamboo)",
    max: 900,
  },
  {
    id: "fast.wrong",
    what: "wrong answers, median life 1.4 min",
    unit: "",
    published: "",
    max: 0,
  },
  {
    id: "churn.equalMs",
    what: "from the first of 1,000 joins until all tables are equal",
    unit: "ms",
    published: "(Rapid: 2 to 5.8 times faster than memberlist)",
    max: 30_000,
  },
  ...[100, 1_000].flatMap((nodes) => [
    {
      id: `detection.silent.${nodes}`,
      what: `a silent death is known to all of ${nodes} nodes, p99`,
      unit: "ms",
      published: DETECTION,
      max: 5_000,
    },
    {
      id: `detection.process.${nodes}`,
      what: `the end of a process is known to all of ${nodes} nodes, p99`,
      unit: "ms",
      published: "",
      max: 500,
    },
  ]),
  {
    id: "pauses.falseDeaths",
    what: "false deaths, 100 nodes of which 5 pause up to 2 s",
    unit: "",
    published: "> 50 times fewer than SWIM (Lifeguard)",
    max: 0,
  },
  {
    id: "pauses.hours",
    what: "virtual hours in which there were so few",
    unit: "h",
    published: "",
    min: 24,
  },
  {
    id: "pauses.pauses",
    what: "pauses in that time",
    unit: "",
    published: "",
  },
  ...[3, 16, 64, 128].flatMap((nodes) => [
    {
      id: `idle.messages.${nodes}`,
      what: `sent by an idle node of ${nodes}`,
      unit: "1/s",
      published: "",
      max: 12,
    },
    {
      id: `idle.bytes.${nodes}`,
      what: `sent by an idle node of ${nodes}`,
      unit: "B/s",
      published: "",
      max: 700,
    },
  ]),
  ...["small", "large"].map((size) => ({
    id: `beyond.bytes.${size}`,
    what: `sent by a node of a ${size} ring beyond the bound, life 10 min`,
    unit: "B/s",
    published: "650 to 850 (estimate)",
    max: 900,
  })),
  {
    id: "beyond.growth",
    what: "the one in the large ring, as a multiple of that in the small one",
    unit: "",
    published: "",
    max: 1.25,
  },
  {
    id: "beyond.failed",
    what: "of 10,000 lookups without an answer, beyond the bound",
    unit: "",
    published: "0 to 16 (Chord, at 0.05 to 0.4 changes/s)",
    max: 1,
  },
  {
    id: "beyond.wrong",
    what: "wrong answers, beyond the bound",
    unit: "",
    published: "",
    max: 0,
  },
  ...["process", "silent"].flatMap((how) => [
    {
      id: `half.${how}.slowestMs`,
      what: `the slowest lookup when half of 100 nodes end at once (${how})`,
      unit: "ms",
      published: "path 3.84 to 5.09 hops, 5 timeouts each (Chord)",
      max: 10_000,
    },
    {
      id: `half.${how}.failed`,
      what: `lookups without an answer, or with a wrong one (${how})`,
      unit: "",
      published: "0 (Chord)",
      max: 0,
    },
    {
      id: `half.${how}.lost`,
      what: `acknowledged writes that are lost (${how})`,
      unit: "%",
      published: "12.5 expected: all 3 holders in the half",
    },
    {
      id: `half.${how}.unexplained`,
      what: `lost though a holder was left, or there without one (${how})`,
      unit: "",
      published: "",
      max: 0,
    },
  ]),
];

/** What a run has measured, by the figures' ids. */
export type Values = Readonly<Record<string, number>>;

/** Whether a value is as it is wanted. */
export function isMet({ max, min }: Spec, value: number): boolean {
  return (max === undefined || value <= max) &&
    (min === undefined || value >= min);
}

/**
 * What is wrong with a run: figures that are missing, and figures that miss
 * what is wanted without a reason that somebody has written down.
 */
export function problemsOf(
  values: Values,
  specs: readonly Spec[],
  reasons: Readonly<Record<string, string>>,
): string[] {
  return specs.flatMap((spec) => {
    const value = values[spec.id];
    if (value === undefined || !Number.isFinite(value)) {
      return [`${spec.id} was not measured`];
    }
    if (isMet(spec, value) || (reasons[spec.id] ?? "") !== "") return [];
    return [`${spec.id} is ${value} ${spec.unit}, wanted is ${wish(spec)}`];
  });
}

/** What is wanted, in words. */
export function wish({ max, min }: Spec): string {
  if (max !== undefined) return `at most ${max}`;
  return min === undefined ? "" : `at least ${min}`;
}
