import { assert, assertEquals } from "@std/assert";
import { runtimeTest } from "../scripts/runtimes_found.ts";

const root = new URL("..", import.meta.url);

/** What a checkout looks like on the web: TypeScript, by its media type. */
function serveCheckout(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
  }, async (request) => {
    const { pathname } = new URL(request.url);
    if (!/^\/(mod|src\/[\w/]+)\.ts$/.test(pathname)) {
      return new Response("There is no such file.\n", { status: 404 });
    }
    const text = await Deno.readTextFile(new URL(`.${pathname}`, root));
    return new Response(text, {
      headers: { "content-type": "application/typescript; charset=utf-8" },
    });
  });
}

/** Two nodes of one ring; `at` is where the library is. */
function program(at: string, runtime: string): string {
  return `import { ChordSocket, text } from "${at}mod.ts";
import { listen } from "${at}src/runtime/${runtime}.ts";

const options = { subnet: "url", keys: text, values: text };
const first = new ChordSocket(options);
await listen(first, { hostname: "127.0.0.1", port: 0 });
await first.join();
const second = new ChordSocket(options);
await second.connect(first.url);
await second.set("said", "hello");
console.log(await first.get("said"));
await second.close();
await first.close();
`;
}

interface Output {
  readonly success: boolean;
  readonly said: string;
  readonly errors: string;
}

async function run(
  path: string,
  args: readonly string[],
  cwd: string,
): Promise<Output> {
  const { success, stdout, stderr } = await new Deno.Command(path, {
    args: [...args],
    cwd,
    // A folder of its own, so that nothing is there that was loaded before.
    env: { DENO_DIR: `${cwd}/cache`, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(60_000),
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success, said: decode(stdout), errors: decode(stderr) };
}

async function inEmptyFolder(
  test: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "chord_dict_url_" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

runtimeTest(
  ["deno"],
  "a program without configuration imports the library by its URL",
  ({ deno }) =>
    inEmptyFolder(async (folder) => {
      await using server = serveCheckout();
      const host = `127.0.0.1:${server.addr.port}`;
      await Deno.writeTextFile(
        `${folder}/program.ts`,
        program(`http://${host}/`, "deno"),
      );
      const { success, said, errors } = await run(deno.path, [
        "run",
        "--check=all",
        "--no-prompt",
        "--allow-net=127.0.0.1",
        `--allow-import=${host}`,
        "program.ts",
      ], folder);
      assert(success, errors);
      assertEquals(said, "hello\n");
    }),
);
