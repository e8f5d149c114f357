import { ChordSocket, text } from "@chord/dict";
import type { ChordOptions } from "@chord/dict";
import { listen } from "@chord/dict/deno";

/** A socket of text keys and text values. */
export type TextSocket = ChordSocket<string, string>;

type Options = Omit<ChordOptions<string, string>, "keys" | "values">;

/** A socket that takes and gives text; not connected to anybody. */
export function textSocket(options: Options = {}): TextSocket {
  return new ChordSocket({ ...options, keys: text, values: text });
}

/** Resolves once `condition` holds; rejects with what it was waiting for. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 20_000,
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!await condition()) {
    if (performance.now() > endMs) throw new Error(`Never true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Nodes that belong together; disposing closes them all. */
export class TestRing implements AsyncDisposable {
  readonly nodes: TextSocket[] = [];

  /** Members that listen on ports of their own and know each other. */
  static async of(count: number, options: Options = {}): Promise<TestRing> {
    const ring = new TestRing();
    for (let i = 0; i < count; i++) await ring.member(options);
    await ring.agreed(count);
    return ring;
  }

  get first(): TextSocket {
    return this.nodes[0]!;
  }

  /** One more member. */
  async member(options: Options = {}): Promise<TextSocket> {
    const sock = textSocket(options);
    this.nodes.push(sock);
    await listen(sock);
    if (sock !== this.first) await sock.connect(this.first.url);
    await sock.join();
    return sock;
  }

  /** A node that uses the dict and cannot be dialled. */
  async leaf(options: Options = {}): Promise<TextSocket> {
    const sock = textSocket(options);
    this.nodes.push(sock);
    await sock.connect(this.first.url);
    return sock;
  }

  /** Resolves once all nodes see `count` members, and have their copies. */
  async agreed(count: number): Promise<void> {
    await until(
      `${count} members in everybody's ring`,
      () =>
        this.nodes.every((node) =>
          node.status.state === "closed" || node.ring.length === count
        ),
    );
    await Promise.all(
      this.nodes.filter((node) => node.status.state !== "closed")
        .map((node) => node.settled()),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }
}

/**
 * A member that runs in a process of its own, to be killed.
 *
 * @param url where the ring is; without one it founds its own
 * @param options `--session=key` has it set a key for as long as it lives
 */
export async function spawnMember(
  url = "",
  ...options: string[]
): Promise<{ url: string; kill(): Promise<void> }> {
  const script = new URL("member_process.ts", import.meta.url);
  const map = new URL("../../scripts/offline/import_map.json", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", `--import-map=${map}`, "--allow-net"]
      .concat(script.href, url, ...options),
    stdout: "piped",
    stderr: "inherit",
    env: { DENO_NO_UPDATE_CHECK: "1" },
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  if (value === undefined) throw new Error("The member's process ended");
  return {
    url: value.trim(),
    kill: async () => {
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
    },
  };
}
