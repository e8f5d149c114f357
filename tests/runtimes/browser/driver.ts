/**
 * Drives a browser: a process of its own, so that what the driving library
 * leaves behind ends with it. Commands come in by standard input.
 *
 * @module
 */
import { createRequire } from "node:module";
import { serveCommands } from "../../../scripts/children.ts";

/** The part of the driving library that is used here. */
interface Page {
  goto(url: string): Promise<unknown>;
  evaluate<T>(run: (arg: unknown) => T, arg: unknown): Promise<T>;
  on(event: "console", listener: (said: { text(): string }) => void): void;
  on(event: "pageerror", listener: (error: Error) => void): void;
  textContent(selector: string): Promise<string | null>;
}

interface Browser {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

interface Library {
  readonly chromium: {
    launch(options: {
      readonly executablePath: string;
      readonly args: readonly string[];
    }): Promise<Browser>;
  };
}

/** A new empty profile is the library's default. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const [library, executablePath] = Deno.args;
const require = createRequire(import.meta.url);
const { chromium } = require(library!) as Library;
const browser = await chromium.launch({
  executablePath: executablePath!,
  args: FLAGS,
});
const pages: Page[] = [];

await serveCommands({
  /** Opens a page, and gives its number once its program is there. */
  open: async (url: string) => {
    const page = await browser.newPage();
    page.on("console", (said) => console.error(`page: ${said.text()}`));
    page.on("pageerror", (error) => console.error(`page: ${error}`));
    await page.goto(url);
    return pages.push(page) - 1;
  },
  /** Has a page's program answer. */
  ask: (page: number, asked: unknown) =>
    pages[page]!.evaluate(
      (asked) =>
        (globalThis as unknown as { answer(asked: unknown): unknown })
          .answer(asked),
      asked,
    ),
  text: (page: number, selector: string) => pages[page]!.textContent(selector),
});
await browser.close();
