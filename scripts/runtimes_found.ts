/**
 * Where the runtimes are that the library is tested on, as
 * `deno task runtimes` installed them, and tests that need one.
 *
 * A runtime of another version than the pinned one counts as missing, so that
 * what a test says about a version is true. Outside of continuous integration
 * a missing runtime skips its tests; there, it fails them.
 *
 * @module
 */

const root = new URL("..", import.meta.url);

/** The versions that everything is tested with; they are written only here. */
export const VERSIONS: Readonly<Record<string, string>> = JSON.parse(
  Deno.readTextFileSync(new URL(".ci/runtimes.json", root)),
);

/** What the npm packages are installed into. */
export const RUNTIMES_FOLDER: URL = new URL(".runtimes/", root);
const PACKAGES = new URL("node_modules/", RUNTIMES_FOLDER);

/** The runtimes, and the short names by which tests ask for them. */
export type RuntimeName =
  | "deno"
  | "bun"
  | "node20"
  | "node22"
  | "node24"
  | "workerd"
  | "chromium";

export const RUNTIME_NAMES: readonly RuntimeName[] = [
  "deno",
  "bun",
  "node20",
  "node22",
  "node24",
  "workerd",
  "chromium",
];

/** A runtime that can be started. */
export interface Runtime {
  readonly name: RuntimeName;
  readonly version: string;
  /** The path of the program. */
  readonly path: string;
}

const { os, arch } = Deno.build;
const isArm = arch === "aarch64";
const npmOs = os === "windows" ? "win" : os;
const npmArch = isArm ? "arm64" : "x64";
const exe = os === "windows" ? ".exe" : "";

/** The npm packages that hold Node itself, each for one kind of machine. */
export const NODE_PACKAGE: string = `node-${npmOs}-${npmArch}`;

/** From the folder of packages to the program, by runtime. */
const PROGRAMS: Readonly<Record<string, string>> = {
  bun: `@oven/bun-${os}-${isArm ? "aarch64" : "x64"}/bin/bun${exe}`,
  node20: `node20/bin/node${exe}`,
  node22: `node22/bin/node${exe}`,
  node24: `node24/bin/node${exe}`,
  workerd: `@cloudflare/workerd-${os}-${isArm ? "arm64" : "64"}/bin/workerd` +
    exe,
  esbuild: os === "windows"
    ? `@esbuild/win32-${npmArch}/esbuild.exe`
    : `@esbuild/${os}-${npmArch}/bin/esbuild`,
};

/** Where a browser's package puts it; no npm package carries one. */
const BROWSERS: readonly string[] = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

function isFile(path: URL | string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function pathOf(url: URL): string {
  return decodeURIComponent(
    os === "windows" ? url.pathname.slice(1) : url.pathname,
  );
}

/** The version of a package that is installed; `undefined`: none is. */
export function installedVersion(name: string): string | undefined {
  try {
    const text = Deno.readTextFileSync(
      new URL(`${name}/package.json`, PACKAGES),
    );
    return JSON.parse(text).version;
  } catch {
    return undefined;
  }
}

/**
 * The folder of an installed package (`ws`, `typescript`, `playwright-core`),
 * with a slash at its end; `undefined` when its pinned version is not there.
 */
export function packageFolder(name: string): URL | undefined {
  if (installedVersion(name) !== VERSIONS[name]) return undefined;
  return new URL(`${name}/`, PACKAGES);
}

/** The program of an installed package, by the package's name. */
export function programOf(name: string): string | undefined {
  const inside = PROGRAMS[name];
  if (inside === undefined || packageFolder(name) === undefined) {
    return undefined;
  }
  const url = new URL(inside, PACKAGES);
  return isFile(url) ? pathOf(url) : undefined;
}

async function browser(): Promise<Runtime | undefined> {
  const path = BROWSERS.find(isFile);
  if (path === undefined) return undefined;
  const { stdout } = await new Deno.Command(path, {
    args: ["--version"],
    stderr: "null",
  }).output();
  const version = /\d+(\.\d+)+/.exec(new TextDecoder().decode(stdout))?.[0];
  // The system keeps it up to date: newer than the pinned one is as good.
  if (version === undefined) return undefined;
  if (Number.parseInt(version) < Number(VERSIONS.chromium)) return undefined;
  return { name: "chromium", version, path };
}

async function find(name: RuntimeName): Promise<Runtime | undefined> {
  if (name === "chromium") return await browser();
  if (name === "deno") {
    return { name, version: Deno.version.deno, path: Deno.execPath() };
  }
  const path = programOf(name);
  if (path === undefined) return undefined;
  return { name, version: VERSIONS[name]!, path };
}

const found = new Map<RuntimeName, Runtime>();

/** A runtime of the pinned version, or `undefined` when it is not installed. */
export async function findRuntime(
  name: RuntimeName,
): Promise<Runtime | undefined> {
  const runtime = found.get(name) ?? await find(name);
  if (runtime !== undefined) found.set(name, runtime);
  return runtime;
}

/** Like {@linkcode findRuntime}, and says how to get one that is missing. */
export async function needRuntime(name: RuntimeName): Promise<Runtime> {
  const runtime = await findRuntime(name);
  if (runtime !== undefined) return runtime;
  throw new Error(
    `Cannot find ${name} ${VERSIONS[name]}: run "deno task runtimes" first`,
  );
}

/** Whether a missing runtime is a failure, and not a reason to skip. */
export function isCi(): boolean {
  return Deno.env.get("CI") === "true";
}

/**
 * A test that needs runtimes. Its name ends with theirs, in brackets; from
 * that, `deno task test` tells which runtimes ran.
 */
export async function runtimeTest(
  needed: readonly RuntimeName[],
  name: string,
  run: (
    runtimes: Readonly<Record<RuntimeName, Runtime>>,
    context: Deno.TestContext,
  ) => Promise<void>,
): Promise<void> {
  const runtimes = await Promise.all(needed.map(findRuntime));
  const isMissing = runtimes.includes(undefined);
  Deno.test({
    name: `${name} [${needed.join(", ")}]`,
    ignore: isMissing && !isCi(),
    fn: async (context) => {
      const all = await Promise.all(needed.map(needRuntime));
      const byName = Object.fromEntries(all.map((one) => [one.name, one]));
      await run(byName as Record<RuntimeName, Runtime>, context);
    },
  });
}
