/**
 * Installs every runtime that the library is tested on, in the versions of
 * `.ci/runtimes.json`: `deno task runtimes`.
 *
 * All of them but the browser are npm packages and go into `.runtimes`, so
 * nothing outside of this folder changes. The browser is the system's; it is
 * installed only where that needs no password.
 *
 * @module
 */
import {
  findRuntime,
  installedVersion,
  isCi,
  NODE_PACKAGE,
  RUNTIME_NAMES,
  type RuntimeName,
  RUNTIMES_FOLDER,
  VERSIONS,
} from "./runtimes_found.ts";

/** Registries are slow at times; each step is tried again this often. */
const TRIES = 3;

/** What is not asked of npm: it is here, or the system's, or JSR's. */
const NOT_OF_NPM: readonly string[] = ["deno", "chromium", "@deno/dnt"];

/** What to ask npm for, by the name of the folder that it goes into. */
function packages(): Map<string, string> {
  const wanted = new Map<string, string>();
  for (const [name, version] of Object.entries(VERSIONS)) {
    if (NOT_OF_NPM.includes(name)) continue;
    const isNode = /^node\d+$/.test(name);
    wanted.set(name, isNode ? `npm:${NODE_PACKAGE}@${version}` : version);
  }
  return wanted;
}

async function run(program: string, args: readonly string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, {
      args: [...args],
      env: { DEBIAN_FRONTEND: "noninteractive" },
      stdin: "null",
    }).spawn().status;
    return success;
  } catch (error) {
    console.error(`Cannot start ${program}: ${error}`);
    return false;
  }
}

async function tryToRun(
  program: string,
  args: readonly string[],
): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries++) {
    if (await run(program, args)) return true;
  }
  return false;
}

/** Packages whose programs need no script to be run after the install. */
async function installPackages(): Promise<boolean> {
  const wanted = packages();
  const isDone = [...wanted.keys()].every((name) =>
    installedVersion(name) === VERSIONS[name]
  );
  if (isDone) return true;
  await Deno.mkdir(RUNTIMES_FOLDER, { recursive: true });
  const manifest = {
    private: true,
    dependencies: Object.fromEntries(wanted),
  };
  await Deno.writeTextFile(
    new URL("package.json", RUNTIMES_FOLDER),
    JSON.stringify(manifest, undefined, 2) + "\n",
  );
  const npm = Deno.build.os === "windows" ? "npm.cmd" : "npm";
  return await tryToRun(npm, [
    "install",
    "--prefix",
    decodeURIComponent(RUNTIMES_FOLDER.pathname),
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
  ]);
}

/** Debian and its kin, as root: everywhere else it is for a person to do. */
async function installBrowser(): Promise<void> {
  if (await findRuntime("chromium") !== undefined) return;
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) {
    console.log(
      `No Chromium ${VERSIONS.chromium} or newer: install your system's own`,
    );
    return;
  }
  await tryToRun("apt-get", ["update", "-q"]) &&
    await tryToRun("apt-get", [
      "install",
      "-y",
      "-q",
      "--no-install-recommends",
      "chromium",
    ]);
}

/** Lists what there is; gives the names of what is missing. */
async function list(): Promise<RuntimeName[]> {
  const missing: RuntimeName[] = [];
  for (const name of RUNTIME_NAMES) {
    const runtime = await findRuntime(name);
    if (runtime === undefined) missing.push(name);
    else console.log(`${name} ${runtime.version} (${runtime.path})`);
  }
  if (missing.length > 0) console.log(`missing: ${missing.join(", ")}`);
  return missing;
}

async function main(): Promise<number> {
  const isInstalled = await installPackages();
  await installBrowser();
  const missing = await list();
  if (!isInstalled) return 1;
  return isCi() && missing.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main());
