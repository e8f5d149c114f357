import { assert, assertEquals } from "@std/assert";
import { until } from "../api/fixture.ts";
import { ringOfWorkers } from "./message_channel/ring.ts";

const program = new URL("message_channel/worker.ts", import.meta.url);

Deno.test("workers of one process are a ring over ports of MessageChannels", async () => {
  const nodes = await ringOfWorkers(program, 4);
  try {
    const [one, two, three, four] = nodes;
    const large = "x".repeat(1024 * 1024);
    await one!.call("set", "large", large);
    assertEquals(await four!.call("get", "large"), large);
    const entries = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`key ${i}`, `value ${i}`]),
    );
    await two!.call("update", entries);
    assertEquals(await three!.call("pop", "large"), large);
    assertEquals(await four!.call("copy"), entries);
    await until(
      "the first heard of all",
      async () => (await one!.call<unknown[]>("events")).length === 202,
    );
    // A channel does not say that its other end is gone: silence does.
    four!.terminate();
    await until(
      "the ring is repaired",
      async () => (await one!.call<unknown[]>("ring")).length === 3,
      30_000,
    );
    await one!.call("settled");
    for (const node of [one, two, three]) {
      assertEquals(await node!.call("copy"), entries);
    }
    await three!.call("leave");
    assertEquals(await two!.call("copy"), entries);
    for (const node of [one, two, three]) await node!.call("close");
  } finally {
    for (const node of nodes) node.terminate();
  }
});

Deno.test("the README shows the duplex that the workers use", async () => {
  const read = (path: string) =>
    Deno.readTextFile(new URL(path, import.meta.url));
  const duplex = await read("message_channel/duplex.ts");
  const [, code] = /^export (function [^]*^}$)/m.exec(duplex)!;
  const readme = await read("../../README.md");
  assert(readme.includes(code!), "it shows another one");
});
