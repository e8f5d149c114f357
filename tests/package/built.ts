/**
 * The npm package as a user gets it: built, packed, and installed into a folder
 * that was empty. Nothing is downloaded for that.
 *
 * @module
 */
import { packageFolder } from "../../scripts/runtimes_found.ts";

const root = new URL("../..", import.meta.url);
const npm = Deno.build.os === "windows" ? "npm.cmd" : "npm";

/** The longest of what is run here takes some seconds on an idle machine. */
const RUN_MS_MAX = 120_000;

export interface Output {
  readonly success: boolean;
  /** What was written to standard output. */
  readonly said: string;
  /** What was written to both outputs. */
  readonly text: string;
}

/** Runs a program to its end. */
export async function run(
  path: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Output> {
  const { success, stdout, stderr } = await new Deno.Command(path, {
    args: [...args],
    cwd,
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", ...env },
    stdin: "null",
    signal: AbortSignal.timeout(RUN_MS_MAX),
  }).output();
  const decoder = new TextDecoder();
  const said = decoder.decode(stdout);
  return { success, said, text: said + decoder.decode(stderr) };
}

/** Like {@linkcode run}, for what must not fail; gives what it said. */
export async function mustRun(
  ...args: Parameters<typeof run>
): Promise<string> {
  const { success, said, text } = await run(...args);
  if (success) return said;
  throw new Error(`Cannot run ${args[0]} ${args[1].join(" ")}:\n${text}`);
}

/** Packs a folder; gives the path of the tarball. */
async function pack(from: string, to: string): Promise<string> {
  const said = await mustRun(
    npm,
    ["pack", "--json", "--pack-destination", to, from],
    to,
  );
  return `${to}/${JSON.parse(said)[0].filename}`;
}

/** The package, before and after its installation. */
export interface Package extends AsyncDisposable {
  /** What `deno task npm` builds. */
  readonly built: string;
  /** What would be published. */
  readonly tarball: string;
  /** Installs it, with `ws` or without, into a folder that is empty. */
  install(name: string, withWs: boolean): Promise<string>;
}

async function install(
  folder: string,
  tarballs: readonly string[],
): Promise<string> {
  await Deno.mkdir(folder);
  await Deno.writeTextFile(
    `${folder}/package.json`,
    JSON.stringify({ private: true, type: "module" }),
  );
  await mustRun(npm, [
    "install",
    "--offline",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    ...tarballs,
  ], folder);
  return folder;
}

/** Builds and packs the package as it is in this checkout. */
export async function buildPackage(): Promise<Package> {
  const folder = await Deno.makeTempDir({ prefix: "chord_dict_npm_" });
  const built = `${folder}/built`;
  const script = new URL("scripts/build_npm.ts", root);
  await mustRun(Deno.execPath(), [
    "run",
    "--no-prompt",
    "--allow-read",
    "--allow-write",
    "--allow-run",
    "--allow-env",
    "--allow-net=jsr.io",
    script.href,
    built,
  ], root.pathname);
  const tarball = await pack(built, folder);
  const ws = packageFolder("ws");
  if (ws === undefined) {
    throw new Error(`Cannot find ws: see scripts/runtimes.ts`);
  }
  const wsTarball = await pack(ws.pathname.replace(/\/$/, ""), folder);
  return {
    built,
    tarball,
    install: (name, withWs) =>
      install(`${folder}/${name}`, withWs ? [tarball, wsTarball] : [tarball]),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
