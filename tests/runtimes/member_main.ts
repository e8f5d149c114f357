/**
 * A node on Deno, Bun or Node, driven by lines of JSON:
 *
 *     <runtime> member_main.ts <library> <entry point> <MemberOptions as JSON>
 *
 * The first line that it writes is its url, or the error that kept it from
 * starting; then each command gets its answer, with the command's number. The
 * process ends with its standard input, or by itself after the command `close`.
 *
 * @module
 */
import process from "node:process";
import type { MeshSocket } from "../../src/mesh/mesh_socket.ts";
import type { Listening } from "../../src/testing/conformance/subject.ts";
import { answerTo, type Commands, dictCommands, eventsOf } from "./commands.ts";
import type { MemberOptions } from "./members.ts";

/** An entry point, as far as all of them are the same. */
interface Entry {
  listen(
    sock: MeshSocket,
    options?: { readonly tls?: { cert: string; key: string } },
  ): Promise<Listening>;
}

const [libraryAt, entryAt, optionsText] = process.argv.slice(2);
const { ChordSocket, text } = await import(
  libraryAt!
) as typeof import("../../mod.ts");
// A leaf needs none, on a runtime that has a WebSocket of its own.
const entry: Entry | undefined = entryAt === ""
  ? undefined
  : await import(entryAt!);
const options: MemberOptions = JSON.parse(optionsText!);

const dict = new ChordSocket({
  subnet: options.subnet ?? "",
  keys: text,
  values: text,
  ...options.timings && { timings: options.timings },
});
const commands: Commands = {
  ...dictCommands(dict, eventsOf(dict)),
  /** So many messages of so many bytes, to all. */
  send: async (count: number, bytes: number) => {
    for (let i = 0; i < count; i++) await dict.send([new Uint8Array(bytes)]);
  },
  /** Takes the messages that wait, and gives how many they were. */
  recv: () => dict.recv(1024).length,
  connect: async (url: string, timeoutMs: number) =>
    (await dict.connect(url, { timeoutMs })).id,
  leave: () => dict.leave(),
  close: async () => {
    await dict.close();
    process.stdin.off("end", exit).destroy();
  },
};

function exit(): void {
  process.exit();
}

function say(line: unknown): void {
  process.stdout.write(JSON.stringify(line) + "\n");
}

async function take(line: string): Promise<void> {
  const { id, ...asked } = JSON.parse(line);
  say({ id, ...await answerTo(commands, asked) });
}

async function start(): Promise<void> {
  const { seeds = [], tls, isLeaf = false } = options;
  if (!isLeaf) await entry!.listen(dict, { ...tls && { tls } });
  for (const seed of seeds) await dict.connect(seed);
  if (!isLeaf) await dict.join();
}

try {
  await start();
  let rest = "";
  process.stdin.setEncoding("utf8").on("end", exit).on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    for (const line of lines) void take(line);
  });
  say({ value: dict.url });
} catch (error) {
  // All that was begun must end by itself.
  say({ error: String(error) });
  await dict.close();
}
