import { Child } from "../../../scripts/children.ts";
import {
  packageFolder,
  type Runtime,
} from "../../../scripts/runtimes_found.ts";
import { bundle } from "../bundle.ts";
import { type Answer, type RemoteNode, valueOf } from "../commands.ts";

/** A browser without a window, and a server for its pages. */
export class Browser implements AsyncDisposable {
  readonly #child: Child;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #stop: AbortController;

  private constructor(
    child: Child,
    server: Deno.HttpServer<Deno.NetAddr>,
    stop: AbortController,
  ) {
    this.#child = child;
    this.#server = server;
    this.#stop = stop;
  }

  /** @param program what each page runs; it defines `answer` */
  static async start(runtime: Runtime, program: URL): Promise<Browser> {
    const folder = packageFolder("playwright-core");
    if (folder === undefined) {
      throw new Error(
        `Cannot find playwright-core: run "deno task runtimes" first`,
      );
    }
    const module = await bundle(program);
    const stop = new AbortController();
    const server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      signal: stop.signal,
      onListen: () => {},
    }, (request) => answerWith(request, module));
    const child = new Child(
      "chromium",
      new URL("driver.ts", import.meta.url),
      [folder.pathname, runtime.path],
      // It looks at the whole machine to find out what it runs on.
      ["--allow-all"],
    );
    return new Browser(child, server, stop);
  }

  /** Opens a page; what it gives asks the page's program. */
  async open(): Promise<Page> {
    const { port } = this.#server.addr;
    const url = `http://127.0.0.1:${port}/`;
    return new Page(this.#child, await this.#child.call("open", url));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.end();
    this.#stop.abort();
    await this.#server.finished;
  }
}

/** One page. */
export class Page {
  readonly #child: Child;
  readonly #number: number;

  constructor(child: Child, number: number) {
    this.#child = child;
    this.#number = number;
  }

  async call<T>(command: string, ...args: readonly unknown[]): Promise<T> {
    const asked = { command, args };
    const answer = await this.#child.call("ask", this.#number, asked);
    return valueOf("the page", answer as Answer);
  }

  async close(): Promise<void> {
    await this.#child.call("close", this.#number);
  }
}

const HTML = `<!doctype html>
<meta charset="utf-8">
<title>A page that is a leaf</title>
<link rel="icon" href="data:,">
<script type="module" src="/program.js"></script>
`;

function answerWith(request: Request, module: string): Response {
  const isModule = new URL(request.url).pathname === "/program.js";
  const type = isModule ? "text/javascript" : "text/html; charset=utf-8";
  return new Response(isModule ? module : HTML, {
    headers: { "content-type": type },
  });
}

/** A page that uses the dict of a member. */
export async function startPage(
  runtime: Runtime,
  options: { readonly url: string; readonly subnet?: string },
): Promise<RemoteNode> {
  const program = new URL("leaf_page.ts", import.meta.url);
  const browser = await Browser.start(runtime, program);
  try {
    const page = await browser.open();
    await page.call("connect", options.url, options.subnet ?? "");
    return {
      name: "chromium",
      url: "",
      call: (command, ...args) => page.call(command, ...args),
      stop: () => browser[Symbol.asyncDispose](),
    };
  } catch (error) {
    await browser[Symbol.asyncDispose]();
    throw error;
  }
}
