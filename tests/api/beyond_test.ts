/** Sockets of a ring that is larger than its nodes may know. */
import { assert, assertEquals } from "@std/assert";
import { insideOf } from "../../src/dict/dict_socket.ts";
import { BOUNDS } from "../../src/mesh/driver/options.ts";
import { TestRing, type TextSocket, until } from "./fixture.ts";

/** Up to eight nodes know all; beyond that four on each side, and some others. */
const FEW = { [BOUNDS]: { fullTableMax: 8, successors: 2 } };

/** Members that a node knows on each side, itself, and the other side. */
const WINDOW = 9;

/** What a node knows without a gap; `undefined`: all. */
function windowOf(node: TextSocket): readonly unknown[] | undefined {
  return insideOf(node).machine.window;
}

/** All that can be done with a dict, from one node after the other. */
async function use(nodes: readonly TextSocket[], name: string): Promise<void> {
  let turn = 0;
  const next = () => nodes[turn++ % nodes.length]!;
  const keys = Array.from({ length: 40 }, (_, i) => `${name} ${i}`);
  await Promise.all(keys.map((key) => next().set(key, `of ${key}`)));
  turn++;
  for (const key of keys) assertEquals(await next().get(key), `of ${key}`);
  for (const node of nodes) {
    assertEquals(await node.get("nothing", "a fallback"), "a fallback");
  }
  assertEquals(await next().size({ timeoutMs: 20_000 }), keys.length);
  const scanned: string[] = [];
  for await (const [key, value] of next().items()) {
    assertEquals(value, `of ${key}`);
    scanned.push(key);
  }
  assertEquals(scanned.sort(), [...keys].sort());
  const [contended, ...others] = keys;
  const pops = nodes.map((node) => node.pop(contended!, ""));
  const popped = (await Promise.all(pops)).filter((value) => value !== "");
  assertEquals(popped, [`of ${contended}`]);
  assertEquals(await next().setdefault(contended!, "first"), "first");
  assertEquals(await next().setdefault(contended!, "second"), "first");
  assert(await next().del(contended!) && !await next().has(contended!));
  const left = new Set(others);
  while (left.size > 0) {
    const [key, value] = await next().popitem();
    assertEquals(value, `of ${key}`);
    assert(left.delete(key), `${key} came twice`);
  }
  assertEquals(await next().size({ timeoutMs: 20_000 }), 0);
}

Deno.test("sockets go over to knowing a part of their ring, and back, with all that they hold", async () => {
  const errors: unknown[] = [];
  const options = { ...FEW, onError: (error: unknown) => errors.push(error) };
  await using ring = await TestRing.of(8, options);
  const { nodes, first } = ring;
  assertEquals(nodes.map(windowOf), nodes.map(() => undefined));
  await first.update({ kept: "since all knew all" });
  for (let i = 0; i < 6; i++) await ring.member(options);
  await until(
    "all fourteen know four on each side",
    () => nodes.every((node) => windowOf(node)?.length === WINDOW),
  );
  await Promise.all(nodes.map((node) => node.settled()));
  for (const node of nodes) {
    assertEquals(await node.get("kept"), "since all knew all");
  }
  await first.del("kept");
  await use(nodes, "beyond the bound");
  await first.update({ kept: "since nobody knew all" });
  const leaving = nodes.slice(5);
  for (const node of leaving) {
    await node.leave();
    await node.close();
  }
  const rest = nodes.slice(0, 5);
  await until(
    "five know all again",
    () => rest.every((node) => windowOf(node) === undefined),
    40_000,
  );
  for (const node of rest) {
    assertEquals(await node.get("kept"), "since nobody knew all");
  }
  await first.del("kept");
  await use(rest, "within the bound");
  assertEquals(errors, []);
});

Deno.test("beyond the bound who watches hears of every key, and a message and its replies get everywhere", async () => {
  const errors: unknown[] = [];
  const options = { ...FEW, onError: (error: unknown) => errors.push(error) };
  await using ring = await TestRing.of(1, options);
  for (let i = 0; i < 12; i++) await ring.member(options);
  const { nodes, first } = ring;
  await until(
    "all thirteen know four on each side",
    () => nodes.every((node) => windowOf(node)?.length === WINDOW),
  );
  await Promise.all(nodes.map((node) => node.settled()));
  const wanted = Array.from({ length: 30 }, (_, i) => `watched ${i}`);
  const watch = nodes[3]!.watch({ prefix: "watched" });
  await watch.ready;
  await Promise.all(
    wanted.map((key, i) => nodes[i % nodes.length]!.set(key, key)),
  );
  const seen = new Set<string>();
  for await (const event of watch) {
    if (event.type === "set") seen.add(event.key);
    if (seen.size === wanted.length) break;
  }
  for (const node of nodes.slice(1)) {
    node.registerHandler((message) => {
      message.reply([node.id]).catch((error) => errors.push(error));
      return true;
    });
  }
  await first.send(["who is there?"]);
  const replies = new Set<unknown>();
  await until("all have replied", () => {
    for (const { packets } of first.recv(nodes.length)) replies.add(packets[0]);
    return replies.size === nodes.length - 1;
  });
  assertEquals(errors, []);
});
