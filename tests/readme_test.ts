import { assert, assertEquals } from "@std/assert";
import * as errors from "../src/base/errors.ts";
import * as limits from "../src/base/limits.ts";
import { LIMITS, TIMINGS } from "../src/base/options.ts";
import { measure, shownKb } from "../scripts/size.ts";
import {
  isCi,
  programOf,
  RUNTIME_NAMES,
  VERSIONS,
} from "../scripts/runtimes_found.ts";

const root = new URL("..", import.meta.url);
const readme = await Deno.readTextFile(new URL("README.md", root));

/** The code of all blocks of one language, in the order of the text. */
function blocks(language: string): string[] {
  const pattern = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms");
  return [...readme.matchAll(pattern)].map(([, code]) => code!);
}

interface Output {
  readonly success: boolean;
  readonly text: string;
}

async function deno(...args: string[]): Promise<Output> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: root,
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(60_000),
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success, text: decode(stdout) + decode(stderr) };
}

Deno.test("the README's code is one program that compiles and runs to its end", async () => {
  const folder = await Deno.makeTempDir({ prefix: "chord_dict_readme_" });
  try {
    const path = `${folder}/readme.ts`;
    const said = 'console.log("the end");\n';
    await Deno.writeTextFile(path, blocks("ts").join("\n") + said);
    const config = ["--config", "deno.json"];
    const { success, text } = await deno(
      "run",
      "--check",
      "--no-prompt",
      "--allow-net=127.0.0.1",
      ...config,
      path,
    );
    assert(success, text);
    for (const line of comments(blocks("ts").join("\n"))) {
      assert(text.includes(line), `"${line}" was not printed:\n${text}`);
    }
    assert(text.includes("the end"), text);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** What the code says that it prints, where it says exactly one thing. */
function comments(code: string): string[] {
  return [...code.matchAll(/^ *console\.log\(.*\); \/\/ ([^…,\n]+)$/gm)]
    .map(([, said]) => said!);
}

Deno.test("the README says what its code prints", () => {
  assert(comments(blocks("ts").join("\n")).length >= 4);
});

const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));

Deno.test("the README names the version that the continuous checks use", () => {
  const named = [...readme.matchAll(/deno@(\S+)/g)].map(([, found]) => found);
  assert(named.length >= 2);
  for (const found of named) assertEquals(found, VERSIONS.deno!);
});

Deno.test("the README's commands are tasks", () => {
  for (const [, name] of readme.matchAll(/\btask (\w+)/g)) {
    assert(name! in config.tasks, `there is no task "${name}"`);
  }
});

/** How the table of runtimes calls each. */
const ROWS: Readonly<Record<(typeof RUNTIME_NAMES)[number], string>> = {
  deno: "Deno",
  bun: "Bun",
  node20: "Node.js 20",
  node22: "Node.js 22",
  node24: "Node.js 24",
  workerd: "workerd",
  chromium: "Chromium",
};

Deno.test("the README's table has every runtime, in the version that is tested", () => {
  for (const name of RUNTIME_NAMES) {
    const row = new RegExp(
      `^\\| ${ROWS[name]}[, \\w]* +\\| (\\S+) +\\| `,
      "gm",
    );
    const versions = [...readme.matchAll(row)].map(([, version]) => version);
    assert(versions.length > 0, `${name} has no row`);
    for (const version of versions) {
      assertEquals(version, VERSIONS[name]!, name);
    }
  }
});

Deno.test("the entry points that the README names are those of the library", () => {
  const named = [...readme.matchAll(/@chord\/dict(\/\w+)?/g)]
    .map(([, name = ""]) => `.${name}`);
  const entries = Object.keys(config.exports);
  assertEquals([...new Set(named)].sort(), entries.sort());
});

Deno.test({
  name: "the README says what the library weighs in a page",
  ignore: programOf("esbuild") === undefined && !isCi(),
  fn: async () => {
    const [, said] = /adds (\d+) kB to it/.exec(readme)!;
    const { gzipped } = await measure();
    const difference = Number(said) * 1000 - gzipped;
    assert(
      difference > -500 && difference < 1000,
      `the README says ${said} kB, the bundle has ${shownKb(gzipped)}`,
    );
  },
});

Deno.test("the README's table of errors has every class with its code", () => {
  type Made = new (message: string, applied: "no") => errors.ChordError;
  // The base of all, and those whose constructors take something else.
  const others = ["ChordError"];
  const special = [
    "InsufficientReplicasError",
    "LeaseError",
    "UpdateError",
  ];
  for (const [name, made] of Object.entries(errors)) {
    if (others.includes(name)) continue;
    const code = special.includes(name)
      ? "[a-z-]+"
      : new (made as unknown as Made)("Cannot", "no").code;
    const row = new RegExp(`^\\| \`${name}\` +\\| \`${code}\` +\\|`, "m");
    assert(row.test(readme), `${name} with ${code} is not in the table`);
  }
});

Deno.test("the README's limits are those of the code", () => {
  const start = readme.indexOf("## Limits");
  const table = readme.slice(start, readme.indexOf("##", start + 2));
  for (
    const limit of [
      limits.KEY_BYTES_MAX,
      limits.VALUE_BYTES_MAX,
      limits.PACKETS_MAX,
      limits.RECEIVED_MESSAGES_MAX,
      limits.CALLS_WAITING_MAX,
      limits.LINK_QUEUE_BYTES_MAX,
      limits.FULL_TABLE_NODES_MAX,
      limits.MEMBERS_MAX,
      limits.LINKS_MAX,
      limits.FULL_MESH_NODES_MAX,
      limits.LIFE_MS_MAX,
      limits.STRANGER_FRAME_BYTES_MAX,
      limits.PAUSED_BYTES_MAX,
      TIMINGS.tombstoneMs / 3_600_000,
    ]
  ) {
    const shown = limit.toLocaleString("en-US");
    assert(new RegExp(`\\b${shown}\\b`).test(table), `${shown} is not there`);
  }
  for (const [name, limit] of Object.entries(LIMITS)) {
    const shown = limit.toLocaleString("en-US");
    const row = new RegExp(`^\\| \`${name}\` +\\| ${shown} +\\|`, "m");
    assert(row.test(table), `${name}, ${shown}, is not there`);
  }
});

/** Every file that an import of the entry points leads to. */
async function reachable(entries: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  const waiting = entries.map((path) => new URL(path, root).href);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    const source = await Deno.readTextFile(new URL(next));
    const specifiers = source.matchAll(
      /^(?:import|export|\}).* from "(.*)";/gm,
    );
    for (const [, specifier] of specifiers) {
      waiting.push(new URL(specifier!, next).href);
    }
  }
  return found;
}

Deno.test("what the entry points reach is all in src", async () => {
  const inside = new URL("src/", root).href;
  const files = await reachable(Object.values(config.exports));
  assert(files.size > 20, `only ${files.size} files were found`);
  const outside = [...files].filter((file) => !file.startsWith(inside));
  assertEquals(outside, [new URL("mod.ts", root).href]);
});

Deno.test("the entry points load where jsr.io is not configured at all", async () => {
  const code =
    `import { ChordSocket } from "${new URL("mod.ts", root).href}";` +
    `console.log(typeof ChordSocket);`;
  const { success, text } = await deno("eval", "--no-config", code);
  assert(success, text);
  assertEquals(text.trim(), "function");
});
