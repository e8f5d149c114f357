import { assert, assertEquals } from "@std/assert";
import { type Runtime, runtimeTest } from "../../scripts/runtimes_found.ts";
import { until } from "../api/fixture.ts";
import { startPage } from "./browser/browser.ts";
import type { RemoteNode } from "./commands.ts";
import { Member } from "./members.ts";
import { startWorkerdMember } from "./workerd/members.ts";

const SUBNET = "mixed";

/** Four members, each on another runtime, and a page. */
interface Mixed extends AsyncDisposable {
  readonly node: Member;
  readonly page: RemoteNode;
  readonly members: readonly RemoteNode[];
  readonly all: readonly RemoteNode[];
}

type Runtimes = Readonly<Record<string, Runtime>>;

async function startMixed(runtimes: Runtimes): Promise<Mixed> {
  await using stack = new AsyncDisposableStack();
  const started = <Node extends RemoteNode>(node: Node): Node => {
    stack.defer(() => node.stop());
    return node;
  };
  const deno = started(
    await Member.start(runtimes.deno!, { subnet: SUBNET }),
  );
  const options = { subnet: SUBNET, seeds: [deno.url] };
  const bun = started(await Member.start(runtimes.bun!, options));
  const node = started(await Member.start(runtimes.node22!, options));
  const workerd = started(
    await startWorkerdMember(runtimes.workerd!, options),
  );
  const members = [deno, bun, node, workerd];
  // It enters by the one that the others did not enter by.
  const page = started(
    await startPage(runtimes.chromium!, { url: workerd.url, subnet: SUBNET }),
  );
  const rest = stack.move();
  return {
    node,
    page,
    members,
    all: [...members, page],
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

/** Resolves once all know that exactly these are the members. */
async function agreed(
  nodes: readonly RemoteNode[],
  members: readonly RemoteNode[],
): Promise<void> {
  const wanted = members.map(({ url }) => url).sort().join();
  for (const each of nodes) {
    await until(
      `the ring that ${each.name} knows is whole`,
      async () => (await each.call<string[]>("ring")).join() === wanted,
    );
  }
  await Promise.all(members.map((member) => member.call("settled")));
}

/** What each node heard of one key, in order. */
async function heardOf(
  key: string,
  nodes: readonly RemoteNode[],
): Promise<string[][]> {
  const heard = await Promise.all(
    nodes.map((node) => node.call<string[]>("events")),
  );
  return heard.map((events) =>
    events.filter((event) => event.endsWith(` ${key}`))
  );
}

/** Each writes for each other one, which reads it and takes it out. */
async function crossover(all: readonly RemoteNode[]): Promise<void> {
  for (const writer of all) {
    for (const reader of all) {
      const key = `from ${writer.name} for ${reader.name}`;
      await writer.call("set", key, writer.name);
      assertEquals(await reader.call("get", key), writer.name);
      assertEquals(await reader.call("del", key), true, key);
      assertEquals(await writer.call("get", key), null);
      assertEquals(await writer.call("del", key), false);
    }
  }
}

/** All heard of the same, and of each key in the same order. */
async function sameEvents(all: readonly RemoteNode[]): Promise<void> {
  for (const writer of all) {
    for (const reader of all) {
      const key = `from ${writer.name} for ${reader.name}`;
      await until(
        `everybody heard of the end of ${key}`,
        async () =>
          (await heardOf(key, all)).every((events) => events.length === 2),
      );
      const wanted = [`add ${key}`, `delete ${key}`];
      assertEquals(await heardOf(key, all), all.map(() => wanted));
    }
  }
}

const MIB = 1024 * 1024;

await runtimeTest(
  ["deno", "bun", "node22", "workerd", "chromium"],
  "a Deno, a Bun, a Node and a workerd process are one ring, used by a page, " +
    "and outlive one of them",
  async (runtimes, t) => {
    await using mixed = await startMixed(runtimes);
    const { all, members, node, page } = mixed;
    await agreed(all, members);
    await t.step("what any of them writes all read, and delete", async () => {
      await crossover(all);
    });
    await t.step("all hear the same events", async () => {
      await sameEvents(all);
    });
    await t.step("a value of 1 MiB of each is read by all", async () => {
      for (const writer of all) {
        const value = writer.name.padEnd(MIB, "0123456789");
        await writer.call("set", "large", value);
        for (const reader of all) {
          const isEqual = await reader.call("get", "large") === value;
          assert(isEqual, `${reader.name} reads what ${writer.name} wrote`);
        }
      }
      await page.call("del", "large");
    });
    await t.step("of five that want one thing one gets it", async () => {
      const given = await Promise.all(
        all.map((each) => each.call("setdefault", "one", each.name)),
      );
      assertEquals(new Set(given).size, 1);
      const popped = await Promise.all(
        all.map((each) => each.call("pop", "one")),
      );
      assertEquals(popped.filter((value) => value !== null), [given[0]]);
    });

    const entries: Record<string, string> = {};
    for (const writer of all) {
      for (let i = 0; i < 50; i++) entries[`${writer.name} ${i}`] = `${i}`;
    }
    await t.step("when one is killed, the page reads everything", async () => {
      for (const writer of all) {
        const own = Object.entries(entries)
          .filter(([key]) => key.startsWith(`${writer.name} `));
        await writer.call("update", Object.fromEntries(own));
      }
      await node.stop();
      const keys = Object.keys(entries);
      const read = await Promise.all(
        keys.map((key) => page.call<string>("get", key)),
      );
      assertEquals(
        Object.fromEntries(keys.map((key, i) => [key, read[i]!])),
        entries,
      );
    });
    await t.step("the survivors are a ring, with all copies", async () => {
      const left = members.filter((member) => member !== node);
      await agreed([...left, page], left);
      for (const each of [...left, page]) {
        assertEquals(await each.call("copy"), entries, each.name);
        assertEquals(await each.call("size"), Object.keys(entries).length);
      }
      for (const each of left) {
        const { entries: held } = await each
          .call<{ entries: number }>("stats");
        assertEquals(held, Object.keys(entries).length, each.name);
      }
      await crossover([...left, page]);
    });
  },
);
