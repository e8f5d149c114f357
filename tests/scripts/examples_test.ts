/** The examples beside the README, each by several processes. */
import { assert, assertEquals } from "@std/assert";

const root = new URL("../../", import.meta.url);

/** A process of an example; disposing kills it. */
class Process implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  constructor(example: string, ...args: string[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--no-prompt", "--allow-net=127.0.0.1"]
        .concat(["--config", "deno.json", `scripts/examples/${example}.ts`])
        .concat(args),
      cwd: root,
      env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
  }

  /** The next line that it says; fails when it takes half a minute. */
  async line(): Promise<string> {
    while (!this.#rest.includes("\n")) {
      const timer = setTimeout(() => this.#child.kill("SIGKILL"), 30_000);
      const { value } = await this.#lines.read();
      clearTimeout(timer);
      assert(value !== undefined, "it has ended, or said nothing for too long");
      this.#rest += value;
    }
    const [line, ...rest] = this.#rest.split("\n");
    this.#rest = rest.join("\n");
    return line!;
  }

  /** Reads on until a line that begins so; gives the rest of that line. */
  async saying(start: string): Promise<string> {
    for (;;) {
      const line = await this.line();
      if (line.startsWith(start)) return line.slice(start.length);
    }
  }

  /** Types a line. */
  async type(line: string): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${line}\n`));
    writer.releaseLock();
  }

  /** Ends what it reads. */
  async end(): Promise<void> {
    await this.#child.stdin.close();
    await this.#child.status;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.kill();
    } catch {
      // It has ended before.
    }
    await this.#child.status;
    await this.#lines.cancel();
  }
}

Deno.test("the presence list knows who comes, who is here, and who was killed", async () => {
  await using ada = new Process("presence", "ada");
  const url = await ada.saying("others come with ");
  await using bob = new Process("presence", "bob", url);
  assertEquals(await bob.line(), "ada is here");
  assertEquals(await ada.saying("bob "), "has come");
  bob.kill();
  assertEquals(await ada.saying("bob "), "has gone");
});

Deno.test("in the chat all read what one types, and a newcomer hears who is here", async () => {
  await using ada = new Process("chat", "ada");
  const url = await ada.saying("others come with ");
  await using bob = new Process("chat", "bob", url);
  assertEquals(await ada.line(), "bob is here");
  await bob.saying("ada is here");
  await using eve = new Process("chat", "eve", url);
  assertEquals(
    [await ada.line(), await bob.line()],
    Array(2).fill("eve is here"),
  );
  for (const line of ["one", "two"]) {
    await ada.type(line);
    assertEquals([await bob.line(), await eve.saying("ada: ")], [
      `ada: ${line}`,
      line,
    ]);
  }
  await eve.type("hello all");
  assertEquals(
    [await ada.line(), await bob.line()],
    Array(2).fill("eve: hello all"),
  );
  await ada.end();
  await bob.type("still here");
  assertEquals(await eve.saying("bob: "), "still here");
});

Deno.test("of two only one leads, and the other when the first was killed", async () => {
  await using ada = new Process("leader", "ada");
  const url = await ada.saying("others run with ");
  assertEquals(await ada.line(), "ada leads");
  await using bob = new Process("leader", "bob", url);
  await bob.saying("others run with ");
  assert((await bob.line()).startsWith("bob follows "));
  ada.kill();
  assertEquals(await bob.line(), "bob leads");
});
