import { assert, assertEquals } from "@std/assert";
import { runtimeTest } from "../../../scripts/runtimes_found.ts";
import type { Outcome } from "../../../src/testing/conformance/cases.ts";
import { TestRing, until } from "../../api/fixture.ts";
import { bundle } from "../bundle.ts";
import { startOutside } from "../outside.ts";
import { report } from "../report.ts";
import { Browser, startPage } from "./browser.ts";

await runtimeTest(
  ["chromium"],
  "everything is true in a page",
  async ({ chromium }, context) => {
    await using outside = await startOutside();
    const program = new URL("conformance_page.ts", import.meta.url);
    await using browser = await Browser.running(chromium, program);
    const page = await browser.open();
    const { url, muteUrl, pagesUrl, nobodyUrl } = outside;
    const outcomes = await page.call<Outcome[]>(
      "conform",
      { url, muteUrl, pagesUrl, nobodyUrl },
    );
    await report(outcomes, context);
  },
);

await runtimeTest(
  ["chromium"],
  "a page is a leaf: it reads, writes and hears, and is gone when it is closed",
  async ({ chromium }) => {
    await using ring = await TestRing.of(3);
    const page = await startPage(chromium, { url: ring.first.url });
    try {
      await page.call("set", "from the page", "1");
      assertEquals(await ring.nodes[1]!.get("from the page"), "1");
      await ring.nodes[2]!.set("from a member", "2");
      assertEquals(await page.call("get", "from a member"), "2");
      assertEquals(await page.call("pop", "from a member"), "2");
      assertEquals(await page.call("leeching"), true);
      await until(
        "it heard of all",
        async () => (await page.call<string[]>("events")).length === 3,
      );
      assertEquals(await page.call("events"), [
        "add from the page",
        "add from a member",
        "delete from a member",
      ]);
      await until(
        "it is linked to all",
        () => ring.nodes.every(({ status }) => status.peers === 3),
      );
    } finally {
      await page.stop();
    }
    await until(
      "it is gone",
      () => ring.nodes.every(({ status }) => status.members === 3),
    );
    assertEquals(await ring.first.get("from the page"), "1");
  },
);

await runtimeTest(
  ["chromium"],
  "the README's page shows what is in the dict, and follows",
  async ({ chromium }) => {
    const root = new URL("../../../", import.meta.url);
    const readme = await Deno.readTextFile(new URL("README.md", root));
    const [, html] = /^```html\n([^]*?)^```$/m.exec(readme)!;
    await using ring = await TestRing.of(2);
    const body = html!.replace("ws://127.0.0.1:4444/", ring.first.url);
    assert(body.includes(ring.first.url), "it dials the ring");
    const library = await bundle(new URL("mod.ts", root));
    await using browser = new Browser(chromium, {
      "/": { type: "text/html; charset=utf-8", body },
      "/chord-dict.js": { type: "text/javascript", body: library },
    });
    const page = await browser.open();
    const shows = (text: string) =>
      until(
        `the page shows "${text}"`,
        async () => await page.text("#greeting") === text,
      );
    await shows("no greeting yet");
    await ring.first.set("greeting", "hello");
    await shows("hello");
    await ring.nodes[1]!.del("greeting");
    await shows("no greeting yet");
  },
);

await runtimeTest(
  ["chromium"],
  "the workers of a page are a ring over ports of MessageChannels",
  async ({ chromium }) => {
    const here = import.meta.url;
    const worker = new URL("../message_channel/worker.ts", here);
    await using browser = await Browser.running(
      chromium,
      new URL("workers_page.ts", here),
      { "/worker.js": { type: "text/javascript", body: await bundle(worker) } },
    );
    const page = await browser.open();
    const ask = <T>(worker: number, command: string, ...args: unknown[]) =>
      page.call<T>("ask", worker, { command, args });
    const large = "x".repeat(1024 * 1024);
    await ask(0, "set", "large", large);
    assertEquals(await ask(1, "get", "large"), large);
    assertEquals(await ask(2, "pop", "large"), large);
    await ask(1, "set", "a", "1");
    await ask(1, "leave");
    assertEquals(await ask(0, "copy"), { a: "1" });
  },
);
