import { assertEquals } from "@std/assert";
import { runtimeTest } from "../../scripts/runtimes_found.ts";
import { bundle } from "../runtimes/bundle.ts";
import { COMPATIBILITY_DATE, Workerd } from "../runtimes/workerd/process.ts";

const folder = new URL("../../scripts/edge/", import.meta.url);

interface Settings {
  readonly main: string;
  readonly compatibility_date: string;
  readonly durable_objects: {
    readonly bindings: { readonly name: string; readonly class_name: string }[];
  };
  readonly migrations: { readonly new_sqlite_classes: string[] }[];
}

/** The settings of a deployment; JSON with comments on lines of their own. */
async function readSettings(): Promise<Settings> {
  const text = await Deno.readTextFile(new URL("wrangler.jsonc", folder));
  return JSON.parse(text.replaceAll(/^\s*\/\/.*$/gm, ""));
}

await runtimeTest(
  ["workerd"],
  "a Worker reads and writes a dict whose members are Durable Objects",
  async ({ workerd }) => {
    const settings = await readSettings();
    const className = settings.durable_objects.bindings[0]!.class_name;
    assertEquals(settings.durable_objects.bindings[0]!.name, "MEMBERS");
    assertEquals(settings.migrations[0]!.new_sqlite_classes, [className]);
    assertEquals(settings.compatibility_date, COMPATIBILITY_DATE);
    await using edge = await Workerd.start(workerd, {
      module: await bundle(new URL(settings.main, folder)),
      className,
    });
    const call = async (method: string, path: string, body?: string) => {
      const response = await fetch(`http://${edge.host}${path}`, {
        method,
        ...body === undefined ? {} : { body },
      });
      return [response.status, await response.text()];
    };
    const key = `/dict/${encodeURIComponent("a key/with ümlaut")}`;
    assertEquals(await call("GET", key), [404, ""]);
    assertEquals(await call("PUT", key, "hello"), [204, ""]);
    // Whichever object is asked.
    for (let i = 0; i < 10; i++) {
      assertEquals(await call("GET", key), [200, "hello"]);
    }
    for (let i = 0; i < 30; i++) await call("PUT", `/dict/${i}`, `${i * i}`);
    const [status, body] = await call("GET", "/all");
    assertEquals(status, 200);
    const entries = JSON.parse(body as string);
    assertEquals(Object.keys(entries).length, 31);
    assertEquals([entries["a key/with ümlaut"], entries[5]], ["hello", "25"]);
    assertEquals(await call("DELETE", key), [200, "true"]);
    assertEquals(await call("DELETE", key), [200, "false"]);
    await edge.kill();
    await edge.restart();
    assertEquals(await call("GET", key), [404, ""]);
    assertEquals(await call("GET", "/dict/7"), [200, "49"]);
    assertEquals((await call("GET", "/elsewhere"))[0], 404);
    // Nobody from outside becomes a peer.
    const stranger = new WebSocket(`ws://${edge.host}/members/0`);
    await new Promise((resolve) => stranger.onerror = resolve);
  },
);
