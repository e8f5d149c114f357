/**
 * Builds the npm package into `npm/`, or into a folder that is named:
 * `deno task npm [--stand-in] [folder/]`.
 *
 * dnt does it; where JSR cannot be reached, the TypeScript compiler stands in
 * (`--stand-in` asks for that). What a user sees of the package is the same:
 * ESM only, no shims, the entry points of `deno.json`, types beside the code,
 * and a manifest that is written here for both.
 *
 * @module
 */
import { packageFolder, programOf, VERSIONS } from "./runtimes_found.ts";

const root = new URL("..", import.meta.url);
const folder = Deno.args.find((arg) => !arg.startsWith("-")) ?? "npm/";
const out = new URL(folder.replace(/\/?$/, "/"), `file://${Deno.cwd()}/`);

/** Not a literal in an import, since that would be fetched to be checked. */
const DNT = `jsr:@deno/dnt@${VERSIONS["@deno/dnt"]}`;

/** Node 20 runs this; what is newer in the library itself must not be used. */
const TARGET = "ES2022";

/** What is read of `deno.json`. */
interface Config {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly compilerOptions: Readonly<Record<string, unknown>>;
}

/** What is used of dnt. */
interface Dnt {
  build(options: Readonly<Record<string, unknown>>): Promise<void>;
}

/** The path in the package of what a source file is compiled to. */
function compiled(source: string, ending: string): string {
  return source.replace(/^\.\//, "./esm/").replace(/\.ts$/, ending);
}

/** The package's manifest. */
export function manifestOf(config: Config): Record<string, unknown> {
  const entries = Object.entries(config.exports).map(([name, source]) => {
    // "types" must come first: the first condition that fits is taken.
    const types = compiled(source, ".d.ts");
    return [name, { types, default: compiled(source, ".js") }];
  });
  return {
    name: config.name,
    version: config.version,
    description: "A dict shared by every process of an application, " +
      "with no server to run",
    keywords: ["chord", "dht", "dict", "distributed", "peer-to-peer"],
    license: config.license,
    type: "module",
    // An entry point of a runtime may tell sockets what to dial with.
    sideEffects: ["./esm/src/runtime/*.js"],
    engines: { node: ">=20" },
    // For tools that know nothing of "exports".
    main: compiled(config.exports["."]!, ".js"),
    types: compiled(config.exports["."]!, ".d.ts"),
    exports: {
      ...Object.fromEntries(entries),
      "./package.json": "./package.json",
    },
    files: ["esm"],
    peerDependencies: { ws: "^8.0.0" },
    peerDependenciesMeta: { ws: { optional: true } },
  };
}

async function loadDnt(): Promise<Dnt | undefined> {
  if (Deno.args.includes("--stand-in")) return undefined;
  try {
    return await import(DNT);
  } catch (error) {
    console.log(
      `${DNT} cannot be loaded, the TypeScript compiler stands in for it ` +
        `(${String(error).split("\n")[0]})`,
    );
    return undefined;
  }
}

async function buildWith(dnt: Dnt, config: Config): Promise<void> {
  await dnt.build({
    entryPoints: Object.entries(config.exports)
      .map(([name, path]) => ({ name, path })),
    outDir: out.pathname,
    shims: {},
    scriptModule: false,
    declaration: "inline",
    declarationMap: false,
    skipSourceOutput: true,
    // The package is checked and tested as it is installed, not here.
    test: false,
    typeCheck: false,
    skipNpmInstall: true,
    compilerOptions: { target: TARGET, lib: ["ESNext", "DOM"] },
    package: manifestOf(config),
  });
}

/** The stand-in: the compiler with a project file of its own. */
async function compile(config: Config): Promise<void> {
  const compiler = packageFolder("typescript");
  const node = programOf("node24");
  if (compiler === undefined || node === undefined) {
    throw new Error(
      `Cannot find typescript ${VERSIONS.typescript} and Node ` +
        `${VERSIONS.node24}: run "deno task runtimes" first`,
    );
  }
  await Deno.mkdir(out, { recursive: true });
  const project = new URL("tsconfig.json", out);
  await Deno.writeTextFile(project, JSON.stringify(projectOf(config)));
  const { success, stdout } = await new Deno.Command(node, {
    args: [new URL("lib/tsc.js", compiler).pathname, "-p", project.pathname],
    stderr: "inherit",
  }).output();
  if (!success) {
    throw new Error(
      `Cannot compile the package:\n${new TextDecoder().decode(stdout)}`,
    );
  }
  await Deno.remove(project);
}

function projectOf(config: Config): Record<string, unknown> {
  return {
    compilerOptions: {
      ...config.compilerOptions,
      target: TARGET,
      lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"],
      types: [],
      module: "esnext",
      moduleResolution: "bundler",
      rewriteRelativeImportExtensions: true,
      declaration: true,
      rootDir: root.pathname,
      outDir: new URL("esm/", out).pathname,
    },
    files: Object.values(config.exports)
      .map((path) => new URL(path, root).pathname),
  };
}

async function* files(folder: URL): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* files(new URL(`${name}/`, folder));
    else yield new URL(name, folder);
  }
}

/** What a user's own settings may lack, and the declarations that need it. */
const DISPOSABLE = `/// <reference lib="esnext.disposable" />\n`;
const NEEDS_DISPOSABLE = /Symbol\.(asyncDispose|dispose)\b|\bAsyncDisposable\b/;

/** A declaration file that every user's compiler can follow. */
export function declaration(text: string): string {
  // The compiler leaves the specifiers of types as they are in the source.
  const code = text.replaceAll(
    /(\bfrom |\bimport\()"(\.{1,2}\/[^"]+)\.ts"/g,
    '$1"$2.js"',
  );
  return NEEDS_DISPOSABLE.test(code) ? DISPOSABLE + code : code;
}

async function finish(config: Config): Promise<void> {
  for await (const file of files(new URL("esm/", out))) {
    if (!file.pathname.endsWith(".d.ts")) continue;
    const text = await Deno.readTextFile(file);
    await Deno.writeTextFile(file, declaration(text));
  }
  await Deno.writeTextFile(
    new URL("package.json", out),
    JSON.stringify(manifestOf(config), undefined, 2) + "\n",
  );
  for (const name of ["README.md", "LICENSE"]) {
    await Deno.copyFile(new URL(name, root), new URL(name, out));
  }
}

async function main(): Promise<void> {
  const text = await Deno.readTextFile(new URL("deno.json", root));
  const config: Config = JSON.parse(text);
  await Deno.remove(out, { recursive: true }).catch(() => {});
  const dnt = await loadDnt();
  await (dnt === undefined ? compile(config) : buildWith(dnt, config));
  await finish(config);
  console.log(`${folder} is ${config.name} ${config.version}`);
}

if (import.meta.main) await main();
