import { assert, assertEquals } from "@std/assert";
import { problemsOf } from "./tidy/rules.ts";

const root = new URL("..", import.meta.url);

async function* sources(folder: string): AsyncGenerator<string> {
  for await (
    const { name, isDirectory } of Deno.readDir(new URL(folder, root))
  ) {
    if (isDirectory) yield* sources(`${folder}${name}/`);
    else if (name.endsWith(".ts")) yield folder + name;
  }
}

interface Source {
  readonly path: string;
  readonly text: string;
}

async function allSources(folders: readonly string[]): Promise<Source[]> {
  const found: Source[] = [];
  for (const folder of folders) {
    for await (const path of sources(folder)) {
      const text = await Deno.readTextFile(new URL(path, root));
      found.push({ path, text });
    }
  }
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** The rules that object to a file of this text at this path. */
function rulesAgainst(path: string, text: string): string[] {
  return problemsOf(path, text).map((problem) => problem.split(" ")[0]!);
}

Deno.test("every file keeps the rules of the house", async () => {
  const files = await allSources(["src/", "scripts/", "tests/"]);
  const entry = await Deno.readTextFile(new URL("mod.ts", root));
  files.push({ path: "mod.ts", text: entry });
  const problems = files.flatMap(({ path, text }) => problemsOf(path, text));
  assertEquals(problems, []);
});

Deno.test("the entry point is short", async () => {
  const text = await Deno.readTextFile(new URL("mod.ts", root));
  assert(text.split("\n").length <= 81, "mod.ts has more than 80 lines");
});

Deno.test("nothing but the fixed names is at the top level", async () => {
  const allowed = new Set([
    "LICENSE",
    "README.md",
    "deno.json",
    "mod.ts",
    "scripts",
    "src",
    "tests",
  ]);
  const ignored = await Deno.readTextFile(new URL(".gitignore", root));
  for (const line of ignored.split("\n")) allowed.add(line.replace(/\/$/, ""));
  const extra: string[] = [];
  for await (const { name } of Deno.readDir(root)) {
    if (!name.startsWith(".") && !allowed.has(name)) extra.push(name);
  }
  assertEquals(extra, []);
});

Deno.test("half of the files of src are short, and what they say is explained", async () => {
  const files = await allSources(["src/"]);
  const sizes = files.map(({ text }) => text.split("\n").length - 1)
    .sort((a, b) => a - b);
  const median = sizes[sizes.length >> 1]!;
  const lines = files.flatMap(({ text }) => text.split("\n"))
    .filter((line) => line.trim() !== "");
  const comments = lines.filter((line) => /^\s*(\/\/|\/\*|\*)/.test(line));
  const share = comments.length / lines.length;
  console.log(
    `src: ${files.length} files, ${lines.length} lines that are not blank, ` +
      `median ${median}, longest ${sizes.at(-1)}, ` +
      `${(100 * share).toFixed(0)}% comments`,
  );
  assert(median <= 300, `the median file has ${median} lines`);
  assert(share > 0.15 && share < 0.45, `${share} of the lines are comments`);
});

/** A file that breaks one rule, and the rule that must say so. */
const CONTROLS: readonly (readonly [string, string, string])[] = [
  ["imports", "src/id/id.ts", `import { a } from "../wire/codec.ts";`],
  ["imports", "src/id/id.ts", `import type { A } from "../wire/codec.ts";`],
  ["imports", "src/id/id.ts", `export * from "../mesh/events.ts";`],
  ["imports", "src/mesh/peers.ts", `import { a } from "../dict/dict.ts";`],
  ["imports", "src/dict/dict.ts", `import { a } from "./chord_socket.ts";`],
  ["imports", "src/testing/a.ts", `import { a } from "../runtime/deno.ts";`],
  ["imports", "src/base/a.ts", `import { a } from "../../scripts/demo.ts";`],
  ["imports", "src/base/a.ts", `import { assert } from "@std/assert";`],
  ["imports", "src/runtime/node.ts", `import net from "node:net";`],
  ["imports", "src/base/a.ts", `import { a } from "./b";`],
  ["imports", "src/strange/a.ts", `import { a } from "./b.ts";`],
  ["imports", "mod.ts", `export * from "./src/runtime/deno.ts";`],
  ["globals", "src/base/a.ts", `export const a = Date.now();`],
  ["globals", "src/mesh/a.ts", `performance.now();`],
  ["globals", "src/mesh/a.ts", `setTimeout(() => {}, 1);`],
  ["globals", "src/dict/a.ts", `crypto.getRandomValues(new Uint8Array(1));`],
  ["globals", "src/wire/a.ts", `export let a: WebSocket;`],
  ["globals", "src/id/a.ts", `console.log(1);`],
  ["globals", "src/dict/a.ts", `export const a = { console };`],
  ["globals", "src/dict/chord_socket.ts", `process.exit(1);`],
  ["globals", "src/node.ts", `export const a = Deno.version;`],
  ["globals", "src/testing/a.ts", `export let a: Deno.Conn;`],
  ["chance", "src/mesh/a.ts", `export const a = Math.random();`],
  ["waiting", "src/mesh/a.ts", `export async function a() {}`],
  ["waiting", "src/mesh/a.ts", `export const a = async () => {};`],
  ["ceilings", "src/base/a.ts", "1;\n".repeat(451)],
  ["ceilings", "scripts/a.ts", `function a() {\n${"1;\n".repeat(69)}}`],
  ["ceilings", "src/base/a.ts", `class A { b() {\n${"1;\n".repeat(69)}} }`],
  ["comments", "src/base/a.ts", "// TODO: later"],
  ["comments", "tests/a.ts", "/* Was renamed: was moved here from b. */"],
  ["comments", "scripts/a.ts", "// This used to be a list."],
  ["members", "src/base/a.ts", "class A { private b = 1; }"],
  ["errors", "src/base/a.ts", `throw new TypeError("bad key");`],
  ["errors", "src/base/a.ts", "throw new RangeError(`no ${a}`);"],
  ["errors", "src/mesh/a.ts", `fail(new NoPeerError("None" + a));`],
  ["errors", "src/mesh/a.ts", `throw new Error("Cannot go on");`],
];

for (const [rule, path, text] of CONTROLS) {
  const shown = text.split("\n")[0]!;
  Deno.test(`the rule "${rule}" catches in ${path}: ${shown}`, () => {
    assertEquals(rulesAgainst(path, text), [rule]);
  });
}

Deno.test("the rules leave alone what only looks like a breach", () => {
  const text = [
    `// The application no longer waits; the word is used to mean a choice.`,
    `import { Writer } from "../wire/writer.ts";`,
    `export interface A { readonly process: number; performance(): void }`,
    `export const a = { console: 1, crypto: Writer };`,
    `export const b = a.console + "setTimeout".length;`,
    `throw new RangeError(\`Cannot read \${b}\`);`,
    `throw new BugError("two at once");`,
    `throw new ClosedError(wordsFor(a), "no");`,
  ].join("\n");
  assertEquals(problemsOf("src/mesh/a.ts", text), []);
});

Deno.test("drivers and platforms may use what their layer is for", () => {
  const driver = `import { a } from "../dict/dict.ts"; setTimeout(a, 1);`;
  assertEquals(problemsOf("src/mesh/mesh_socket.ts", driver), []);
  const platform = `import { a } from "../node.ts"; Deno.serve(a);`;
  assertEquals(problemsOf("src/runtime/deno.ts", platform), []);
});
