/** What the entry points of Bun and Node do beyond what all runtimes share. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  needRuntime,
  type Runtime,
  type RuntimeName,
  runtimeTest,
} from "../../scripts/runtimes_found.ts";
import { until } from "../api/fixture.ts";
import { compile, type Compiled } from "./compiled.ts";
import { Member, type MemberModules, sourcesFor } from "./members.ts";
import { startOutside } from "./outside.ts";

const CERT = new URL("tls/cert.pem", import.meta.url).pathname;
const TLS = {
  cert: await Deno.readTextFile(CERT),
  key: await Deno.readTextFile(new URL("tls/key.pem", import.meta.url)),
};
/** Has a runtime trust the certificate, each in its own words. */
const TRUST = { DENO_CERT: CERT, NODE_EXTRA_CA_CERTS: CERT };

/** A node must have let go of everything by then. */
const EXIT_MS_MAX = 5_000;

const MIB = 1024 * 1024;

/** A server that takes WebSockets and then neither reads nor writes. */
function startSilent(): {
  url: string;
  [Symbol.asyncDispose](): Promise<void>;
} {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const taken: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      taken.push(connection);
      void shakeHands(connection);
    }
  })();
  return {
    url: `ws://127.0.0.1:${listener.addr.port}/`,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await serving;
      for (const connection of taken) connection.close();
    },
  };
}

async function shakeHands(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(4096);
  const count = await connection.read(buffer);
  const request = new TextDecoder().decode(buffer.subarray(0, count ?? 0));
  const key = /sec-websocket-key: (\S+)/i.exec(request)![1];
  const text = `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const digest = await crypto.subtle
    .digest("SHA-1", new TextEncoder().encode(text));
  const accept = btoa(String.fromCharCode(...new Uint8Array(digest)));
  const answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
    `Connection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(answer));
}

/** The modules for a runtime, compiled for one that needs it. */
async function withModules(
  runtime: Runtime,
  run: (modules: MemberModules) => Promise<void>,
): Promise<void> {
  const sources = sourcesFor(runtime);
  if (runtime.name !== "node20") return await run(sources);
  const { main, library, entry } = sources;
  const paths = [library, entry].map((href) => new URL(href).pathname);
  await using compiled: Compiled = await compile([main, ...paths]);
  const at = (name: string) => new URL(name, compiled.folder);
  await run({
    ...sources,
    main: at("member_main.mjs").pathname,
    library: at("mod.mjs").href,
    entry: at("node.mjs").href,
  });
}

const all: readonly RuntimeName[] = ["bun", "node20", "node22", "node24"];

for (const name of all) {
  await runtimeTest(
    [name],
    "a peer that does not even answer a close keeps no process alive",
    (runtimes) =>
      withModules(runtimes[name], async (modules) => {
        await using silent = startSilent();
        await using member = await Member.start(runtimes[name], {}, modules);
        await assertRejects(
          () => member.call("connect", silent.url, 200),
          Error,
          "TimeoutError",
        );
        const startMs = performance.now();
        assertEquals(await member.close(), 0);
        const tookMs = performance.now() - startMs;
        assert(tookMs < EXIT_MS_MAX, `it ended after ${tookMs} ms`);
      }),
  );

  await runtimeTest(
    [name],
    "listens and dials with TLS",
    (runtimes) =>
      withModules(runtimes[name], async (modules) => {
        const trusting = { ...modules, env: TRUST };
        await using member = await Member
          .start(runtimes[name], { tls: TLS }, trusting);
        assert(member.url.startsWith("wss://127.0.0.1:"), member.url);
        const options = { seeds: [member.url], isLeaf: true };
        await using leaf = await Member
          .start(runtimes[name], options, trusting);
        const deno = await needRuntime("deno");
        const here = { ...sourcesFor(deno), env: TRUST };
        await using other = await Member.start(deno, options, here);
        await leaf.call("set", "key", "x".repeat(300_000));
        assertEquals(
          (await other.call<string>("get", "key")).length,
          300_000,
        );
        await assertRejects(
          () => Member.start(runtimes[name], options, modules),
          Error,
          "ConnectionError",
        );
      }),
  );

  for (const dials of [false, true]) {
    await runtimeTest(
      [name],
      `what a peer that ${dials ? "was dialled" : "dialled"} does not read ` +
        `waits in the node, not in the runtime`,
      (runtimes) =>
        withModules(runtimes[name], async (modules) => {
          const deno = await needRuntime("deno");
          const first = await (dials
            ? Member.start(deno)
            : Member.start(runtimes[name], {}, modules));
          const options = { seeds: [first.url] };
          const second = await (dials
            ? Member.start(runtimes[name], options, modules)
            : Member.start(deno, options));
          await using stack = new AsyncDisposableStack();
          for (const each of [first, second]) stack.use(each);
          const [writer, reader] = dials ? [second, first] : [first, second];
          await until(
            "both are members",
            async () =>
              (await writer.call<string[]>("ring")).length === 2,
          );
          reader.suspend();
          const sent = writer.call("send", 32, MIB - 1024);
          // Had the runtime taken it all, nothing would wait here.
          await until("the sender waits for its link", async () => {
            const { queuedBytes } = await writer
              .call<{ queuedBytes: number }>("stats");
            return queuedBytes > 4 * MIB;
          });
          reader.resume();
          await sent;
          let received = 0;
          await until("all have arrived", async () => {
            received += await reader.call<number>("recv");
            return received === 32;
          });
        }),
    );
  }
}

for (const name of ["node20", "node22"] as const) {
  await runtimeTest(
    [name],
    "without the package ws the error says what to install",
    (runtimes) =>
      withModules(runtimes[name], async (modules) => {
        const without = await copyAway(modules);
        try {
          await assertRejects(
            () => Member.start(runtimes[name], {}, without),
            Error,
            "npm install ws",
          );
          await using outside = await startOutside();
          const options = {
            subnet: "outside",
            seeds: [outside.url],
            isLeaf: true,
          };
          const starting = () => Member.start(runtimes[name], options, without);
          if (name === "node20") {
            await assertRejects(starting, Error, "npm install ws");
            return;
          }
          // This version has a WebSocket of its own to dial with.
          await using leaf = await starting();
          const value = "x".repeat(MIB);
          await leaf.call("set", "of a leaf without ws", value);
          assertEquals(await leaf.call("get", "of a leaf without ws"), value);
          await leaf.call("del", "of a leaf without ws");
          assertEquals(await leaf.close(), 0);
        } finally {
          await without.remove();
        }
      }),
  );
}

/** The same modules where no package is to be found. */
async function copyAway(
  modules: MemberModules,
): Promise<MemberModules & { remove(): Promise<void> }> {
  const remove = () => Promise.resolve();
  if (!modules.main.endsWith(".mjs")) {
    return { ...modules, packages: "", remove };
  }
  const folder = await Deno.makeTempDir({ prefix: "chord_dict_without_ws_" });
  const from = modules.main.slice(0, modules.main.lastIndexOf("/"));
  for await (const { name } of Deno.readDir(from)) {
    await Deno.copyFile(`${from}/${name}`, `${folder}/${name}`);
  }
  return {
    main: `${folder}/member_main.mjs`,
    library: `file://${folder}/mod.mjs`,
    entry: `file://${folder}/node.mjs`,
    packages: "",
    remove: () => Deno.remove(folder, { recursive: true }),
  };
}
