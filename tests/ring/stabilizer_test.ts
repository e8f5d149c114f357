/**
 * The operations one by one, as P. Zave's paper has them. Places are of four
 * digits; the member at 40 keeps three successors.
 */
import { assertEquals } from "@std/assert";
import {
  padded,
  type Pointers,
  Stabilizer,
} from "../../src/ring/stabilizer.ts";

const L = 3;
const SELF = "0040";

/** The member at 40 with these around it; `dead` is what it knows of. */
function member(
  predecessor: string | undefined,
  successors: readonly string[],
  dead: readonly string[] = [],
): Stabilizer {
  const made = new Stabilizer(SELF, L, (place) => !dead.includes(place));
  made.begin(predecessor, successors);
  return made;
}

function pointers(
  predecessor: string | undefined,
  ...successors: readonly string[]
): Pointers {
  return { predecessor, successors };
}

Deno.test("padded() fills up with places that name nobody", () => {
  assertEquals(padded(["0050"], 3), ["0050", "0051", "0052"]);
  assertEquals(padded(["0050", "0060", "0070", "0080"], 3), [
    "0050",
    "0060",
    "0070",
  ]);
  assertEquals(padded([], 3), []);
});

Deno.test("STABILIZE takes the list of the head whole, and tells it", () => {
  const node = member("0030", ["0050", "0060", "0090"]);
  assertEquals(node.stabilize(), [{ type: "ask", to: "0050" }]);
  const effects = node.onAnswer(
    "0050",
    pointers("0030", "0070", "0080", "0090"),
  );
  assertEquals(effects, [{ type: "notify", to: "0050" }]);
  assertEquals(node.pointers, pointers("0030", "0050", "0070", "0080"));
});

Deno.test("one step is under way at a time", () => {
  const node = member("0030", ["0050", "0060", "0070"]);
  node.stabilize();
  assertEquals(node.stabilize(), []);
  assertEquals(node.consider("0048"), []);
  node.abandon();
  assertEquals(node.consider("0048"), [{ type: "ask", to: "0048" }]);
});

Deno.test("a predecessor of the head is asked before it is believed", () => {
  const node = member("0030", ["0050", "0060", "0070"]);
  node.stabilize();
  const theirs = pointers("0048", "0060", "0070", "0080");
  assertEquals(node.onAnswer("0050", theirs), [{ type: "ask", to: "0048" }]);
  assertEquals(node.head, "0050");
  const nearer = pointers("0030", "0050", "0060", "0070");
  assertEquals(node.onAnswer("0048", nearer), [{ type: "notify", to: "0048" }]);
  assertEquals(node.pointers, pointers("0030", "0048", "0050", "0060"));
});

Deno.test("a predecessor of the head that is dead changes nothing", () => {
  const node = member("0030", ["0050", "0060", "0070"]);
  node.stabilize();
  node.onAnswer("0050", pointers("0048", "0060", "0070", "0080"));
  assertEquals(node.onSilence("0048"), [{ type: "notify", to: "0050" }]);
  assertEquals(node.head, "0050");
});

Deno.test("a dead head is dropped, the list padded, and the next one asked", () => {
  const node = member("0030", ["0050", "0060", "0070"]);
  node.stabilize();
  assertEquals(node.onSilence("0050"), [
    { type: "notify", to: "0060" },
    { type: "ask", to: "0060" },
  ]);
  assertEquals(node.pointers, pointers("0030", "0060", "0070", "0071"));
});

Deno.test("an answer that is not waited for any more is dropped", () => {
  const node = member("0030", ["0050", "0060", "0070"]);
  node.stabilize();
  node.onAnswer("0050", pointers("0048", "0060", "0070", "0080"));
  // The head dies while the member before it is asked.
  node.onSilence("0050");
  const before = node.pointers;
  assertEquals(node.onAnswer("0048", pointers("0030", "0050")), []);
  assertEquals(node.onAnswer("0050", pointers("0030", "0051")), []);
  assertEquals(node.pointers, before);
});

Deno.test("a head that knows of its predecessor is only asked for news", () => {
  const node = member("0030", ["0050", "0060", "0070"]);
  node.stabilize();
  const theirs = pointers(SELF, "0060", "0070", "0080");
  assertEquals(node.onAnswer("0050", theirs), []);
  const check = { type: "check", to: "0050", seen: theirs } as const;
  assertEquals(node.stabilize(), [check]);
  // Nobody waits for what may not come.
  assertEquals(node.stabilize(), [check]);
  assertEquals(node.onStale("0060"), []);
  assertEquals(node.onStale("0050"), [{ type: "ask", to: "0050" }]);
});

Deno.test("RECTIFY takes who is nearer, or anybody for a dead predecessor", () => {
  const node = member("0030", ["0050"], ["0038"]);
  node.onNotify("0020");
  assertEquals(node.pointers.predecessor, "0030");
  node.onNotify("0038");
  assertEquals(node.pointers.predecessor, "0038");
  node.onNotify("0020");
  assertEquals(node.pointers.predecessor, "0020");
  node.onNotify(SELF);
  assertEquals(node.pointers.predecessor, "0020");
});

Deno.test("consider() asks nobody who is further away than the head", () => {
  const node = member("0030", ["0050", "0060", "0070"]);
  assertEquals(node.consider("0060"), []);
  assertEquals(node.consider("0050"), []);
  assertEquals(node.consider("0045"), [{ type: "ask", to: "0045" }]);
});

Deno.test("what has not changed stays one object", () => {
  const node = member("0030", ["0050", "0060", "0070"]);
  const before = node.pointers;
  node.stabilize();
  node.onAnswer("0050", pointers(SELF, "0060", "0070", "0080"));
  assertEquals(node.pointers === before, true);
});
