/**
 * TCP proxies in front of nodes: whoever dials a node says in the path who it
 * is, so that a proxy knows both ends of every connection, and can delay what
 * goes one way, hold it back, or break the connection.
 *
 * What a cut holds back flows when the cut has ended, as TCP makes it by
 * sending again; the end of a connection is held back like any other byte.
 *
 * @module
 */

/** What happens to bytes between two nodes. */
export interface Weather {
  /** Whether what `from` sends does not reach `to` now. */
  isCut(from: string, to: string): boolean;
  /** How long a chunk takes from one to the other, in milliseconds. */
  delayMs(from: string, to: string): number;
}

/** Nothing happens. */
export const FAIR: Weather = { isCut: () => false, delayMs: () => 0 };

const HOSTNAME = "127.0.0.1";
const CHUNK_BYTES = 64 * 1024;
/** Bytes of one direction that wait in a proxy; beyond it nothing is read. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;
/** The longest line in which somebody says who dials. */
const REQUEST_BYTES_MAX = 4096;

interface Front {
  readonly listener: Deno.TcpListener;
  /** Where the node listens; `undefined`: it does not. */
  port: number | undefined;
}

/** All proxies of one ring. */
export class Proxies {
  #weather: Weather = FAIR;
  #change = Promise.withResolvers<void>();
  readonly #fronts = new Map<string, Front>();
  readonly #pairs = new Set<Pair>();

  get weather(): Weather {
    return this.#weather;
  }

  set weather(weather: Weather) {
    this.#weather = weather;
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  /** Resolves at the next change of the weather. */
  get changed(): Promise<void> {
    return this.#change.promise;
  }

  /** Opens a proxy in front of a node; gives the url that peers may dial. */
  open(name: string): string {
    const listener = Deno.listen({ hostname: HOSTNAME, port: 0 });
    this.#fronts.set(name, { listener, port: undefined });
    void this.#accept(name, listener);
    return `ws://${HOSTNAME}:${listener.addr.port}/`;
  }

  /** Says where a node listens now. */
  aim(name: string, port: number): void {
    this.#fronts.get(name)!.port = port;
  }

  /** Nobody answers there any more. */
  shut(name: string): void {
    this.#fronts.get(name)?.listener.close();
    this.#fronts.delete(name);
  }

  /** Breaks the connections that `isHit` picks; gives how many. */
  reset(isHit: () => boolean): number {
    const hit = [...this.#pairs].filter(isHit);
    for (const pair of hit) pair.end();
    return hit.length;
  }

  close(): void {
    for (const name of [...this.#fronts.keys()]) this.shut(name);
    this.reset(() => true);
    this.weather = FAIR;
  }

  async #accept(name: string, listener: Deno.TcpListener): Promise<void> {
    try {
      for await (const conn of listener) void this.#serve(name, conn);
    } catch {
      // The listener was closed.
    }
  }

  async #serve(to: string, near: Deno.TcpConn): Promise<void> {
    const pair = new Pair(near);
    this.#pairs.add(pair);
    try {
      const first = await readRequest(near);
      const from = /^GET \S*[?&]from=(\w+)/.exec(first.text)?.[1];
      if (from === undefined) return;
      while (this.#weather.isCut(from, to)) await this.changed;
      const port = this.#fronts.get(to)?.port;
      if (port === undefined) return;
      const far = await pair.connect(port);
      const onward = new Pipe(this, from, to, far);
      onward.push(first.bytes);
      const back = new Pipe(this, to, from, near);
      await Promise.race([onward.carry(near), back.carry(far)]);
    } catch {
      // Somebody has ended the connection.
    } finally {
      pair.end();
      this.#pairs.delete(pair);
    }
  }
}

/** Both halves of one connection. */
class Pair {
  readonly #conns: Deno.TcpConn[];
  #hasEnded = false;

  constructor(near: Deno.TcpConn) {
    near.setNoDelay();
    this.#conns = [near];
  }

  async connect(port: number): Promise<Deno.TcpConn> {
    const far = await Deno.connect({ hostname: HOSTNAME, port });
    this.#conns.push(far);
    if (this.#hasEnded) far.close();
    else far.setNoDelay();
    return far;
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const conn of this.#conns) conn.close();
  }
}

/** One direction of a connection. */
class Pipe {
  readonly #proxies: Proxies;
  readonly #from: string;
  readonly #to: string;
  readonly #out: Deno.TcpConn;
  readonly #held: { readonly atMs: number; readonly bytes: Uint8Array }[] = [];
  #heldBytes = 0;
  #hasEnded = false;
  #wake: () => void = () => {};

  constructor(proxies: Proxies, from: string, to: string, out: Deno.TcpConn) {
    this.#proxies = proxies;
    this.#from = from;
    this.#to = to;
    this.#out = out;
  }

  push(bytes: Uint8Array): void {
    const delayMs = this.#proxies.weather.delayMs(this.#from, this.#to);
    this.#held.push({ atMs: performance.now() + delayMs, bytes });
    this.#heldBytes += bytes.length;
    this.#wake();
  }

  /** Carries until the end of what comes in has been delivered. */
  async carry(from: Deno.TcpConn): Promise<void> {
    await Promise.all([this.#read(from), this.#write()]);
  }

  async #read(from: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (count === null) break;
        this.push(buffer.slice(0, count));
        while (this.#heldBytes > HELD_BYTES_MAX) await this.#woken();
      }
    } catch {
      // Broken: to the other side it is an end.
    }
    this.#hasEnded = true;
    this.#wake();
  }

  async #write(): Promise<void> {
    for (;;) {
      const next = this.#held[0];
      if (next === undefined && !this.#hasEnded) {
        await this.#woken();
        continue;
      }
      const waitMs = next === undefined ? 0 : next.atMs - performance.now();
      if (waitMs > 0) await new Promise((done) => setTimeout(done, waitMs));
      while (this.#proxies.weather.isCut(this.#from, this.#to)) {
        await this.#proxies.changed;
      }
      if (next === undefined) return;
      for (let at = 0; at < next.bytes.length;) {
        at += await this.#out.write(next.bytes.subarray(at));
      }
      this.#held.shift();
      this.#heldBytes -= next.bytes.length;
      this.#wake();
    }
  }

  /** Either side wakes the other; both look again at what they wait for. */
  #woken(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#wake;
      this.#wake = () => {
        this.#wake = () => {};
        before();
        resolve();
      };
    });
  }
}

async function readRequest(
  conn: Deno.TcpConn,
): Promise<{ readonly bytes: Uint8Array; readonly text: string }> {
  const buffer = new Uint8Array(REQUEST_BYTES_MAX);
  let length = 0;
  for (;;) {
    const count = await conn.read(buffer.subarray(length));
    if (count === null) throw new Error("Cannot read who dials: it has ended");
    length += count;
    const text = new TextDecoder().decode(buffer.subarray(0, length));
    if (text.includes("\r\n") || length === buffer.length) {
      return { bytes: buffer.slice(0, length), text };
    }
  }
}
