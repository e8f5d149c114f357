import { assert, assertEquals } from "@std/assert";
import { type Id, keyId } from "../../src/id/id.ts";
import { Inbox } from "../../src/mesh/framer.ts";
import { Ring } from "../../src/testing/scenarios.ts";
import { placement } from "../../src/testing/truth.ts";
import { decode } from "../../src/wire/codec.ts";

const REPLICAS = 3;

/** Who asked whom how often whether it has what. */
function countQuestions(ring: Ring): Map<string, number> {
  const counts = new Map<string, number>();
  const { onSaid } = ring.simulator;
  ring.simulator.onSaid = (end, frame) => {
    onSaid(end, frame);
    for (const message of new Inbox().take(frame)) {
      const heard = decode(message);
      if (heard.type !== "confirm") continue;
      for (const { id } of heard.items) {
        const question = `${end.owner.name} ${id} ${end.other.owner.name}`;
        counts.set(question, (counts.get(question) ?? 0) + 1);
      }
    }
  };
  return counts;
}

/** A ring of eleven, the last of which has just come: others have its copies. */
function filledRing(): Ring {
  const ring = new Ring({ seed: 1, replicas: REPLICAS });
  ring.grow(10);
  for (let i = 0; i < 100; i++) ring.set("A", `key ${i}`, `${i}`);
  ring.join("K", "A");
  ring.settle();
  return ring;
}

/** Copies at nodes that are no holders of them. */
function strays({ simulator: { nodes } }: Ring): { name: string; id: Id }[] {
  const holdersOf = placement(nodes, REPLICAS);
  return nodes.flatMap((node) =>
    Array.from(node.machine.dict.copies(), ({ key }) => keyId(key))
      .filter((id) => !holdersOf(id).includes(node))
      .map((id) => ({ name: node.name, id }))
  );
}

Deno.test("who waits to drop a copy asks its holders again when they are others, and only then", () => {
  const ring = filledRing();
  const kept = strays(ring);
  const before = placement(ring.simulator.nodes, REPLICAS);
  const counts = countQuestions(ring);
  for (const name of "LM") {
    ring.join(name, "A");
    ring.run(2_000);
  }
  const after = placement(ring.simulator.nodes, REPLICAS);
  let same = 0;
  let other = 0;
  for (const { name, id } of kept) {
    const holders = after(id).map((node) => node.name);
    const was = before(id).map((node) => node.name);
    const asked = holders.map((to) => counts.get(`${name} ${id} ${to}`) ?? 0);
    if (holders.join() === was.join()) {
      same++;
      assertEquals(asked, [0, 0, 0], `${name} asks of ${id}`);
    } else if (!holders.includes(name)) {
      other++;
      assert(Math.min(...asked) > 0, `${name} asks of ${id}: ${asked}`);
    }
  }
  assert(same > 5 && other > 5, `${same} with the same holders, ${other} not`);
});

Deno.test("what waited is dropped in the end, after one more question", () => {
  const ring = filledRing();
  assert(strays(ring).length > 0);
  const counts = countQuestions(ring);
  ring.run(70_000);
  assertEquals(strays(ring), []);
  assert(counts.size > 0);
  for (const [question, count] of counts) assertEquals(count, 1, question);
});
