import { Child } from "../../../scripts/children.ts";
import {
  packageFolder,
  type Runtime,
} from "../../../scripts/runtimes_found.ts";
import { bundle } from "../bundle.ts";
import { type Answer, type RemoteNode, valueOf } from "../commands.ts";

/** What a server has at a path. */
export interface File {
  readonly type: string;
  readonly body: string;
}

/** A browser without a window, and a server for its pages. */
export class Browser implements AsyncDisposable {
  readonly #child: Child;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #stop: AbortController;

  /** @param files what the pages load, by path */
  constructor(runtime: Runtime, files: Readonly<Record<string, File>>) {
    const folder = packageFolder("playwright-core");
    if (folder === undefined) {
      throw new Error(
        `Cannot find playwright-core: run "deno task runtimes" first`,
      );
    }
    this.#stop = new AbortController();
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      signal: this.#stop.signal,
      onListen: () => {},
    }, (request) => answerWith(request, files));
    this.#child = new Child(
      "chromium",
      new URL("driver.ts", import.meta.url),
      [folder.pathname, runtime.path],
      // It looks at the whole machine to find out what it runs on.
      ["--allow-all"],
    );
  }

  /** A browser for pages that run a program; it defines `answer`. */
  static async running(
    runtime: Runtime,
    program: URL,
    files: Readonly<Record<string, File>> = {},
  ): Promise<Browser> {
    return new Browser(runtime, {
      ...files,
      "/": { type: "text/html; charset=utf-8", body: HTML },
      "/program.js": { type: "text/javascript", body: await bundle(program) },
    });
  }

  /** Opens a page; resolves when it is loaded. */
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

  /** Asks the page's program. */
  async call<T>(command: string, ...args: readonly unknown[]): Promise<T> {
    const asked = { command, args };
    const answer = await this.#child.call("ask", this.#number, asked);
    return valueOf("the page", answer as Answer);
  }

  /** What can be read in an element. */
  text(selector: string): Promise<string> {
    return this.#child.call("text", this.#number, selector);
  }
}

const HTML = `<!doctype html>
<meta charset="utf-8">
<title>A page that is a leaf</title>
<link rel="icon" href="data:,">
<script type="module" src="/program.js"></script>
`;

function answerWith(
  request: Request,
  files: Readonly<Record<string, File>>,
): Response {
  const file = files[new URL(request.url).pathname];
  if (file === undefined) return new Response(null, { status: 404 });
  return new Response(file.body, { headers: { "content-type": file.type } });
}

/** A page that uses the dict of a member. */
export async function startPage(
  runtime: Runtime,
  options: { readonly url: string; readonly subnet?: string },
): Promise<RemoteNode> {
  const program = new URL("leaf_page.ts", import.meta.url);
  const browser = await Browser.running(runtime, program);
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
