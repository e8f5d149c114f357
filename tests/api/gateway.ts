/**
 * The way to a node that listens, which can be cut.
 *
 * @module
 */
export class Gateway implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #streams = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>;
  #port: number | undefined;

  constructor() {
    this.#running = this.#run();
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#listener.addr.port}/`;
  }

  /** Leads to this port from now on. */
  open(port: number): void {
    this.#port = port;
  }

  /** Breaks what leads through, and lets nobody in. */
  cut(): void {
    this.#port = undefined;
    for (const stream of this.#streams) close(stream);
    this.#streams.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#listener.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    for await (const near of this.#listener) {
      if (this.#port === undefined) {
        close(near);
        continue;
      }
      const far = await Deno.connect({ port: this.#port });
      this.#streams.add(near).add(far);
      const lead = (from: Deno.TcpConn, to: Deno.TcpConn) =>
        from.readable.pipeTo(to.writable).catch(() => {
          close(from);
          close(to);
        });
      lead(near, far);
      lead(far, near);
    }
  }
}

function close(stream: Deno.TcpConn): void {
  try {
    stream.close();
  } catch { /* The other side was faster. */ }
}
