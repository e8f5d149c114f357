import type { ChordSocket, WriteOptions } from "@chord/dict";

/** What can be asked of a node in another process, by name. */
export type Commands = {
  readonly [command: string]: (...args: never[]) => unknown;
};

/** One command as it travels. */
export interface Asked {
  readonly command: string;
  readonly args: readonly unknown[];
}

/** What comes back. */
export type Answer = { readonly value: unknown } | { readonly error: string };

/** A node in another process or page. */
export interface RemoteNode {
  readonly name: string;
  /** What peers may dial; empty for a leaf. */
  readonly url: string;
  call<T>(command: string, ...args: readonly unknown[]): Promise<T>;
  /** Ends the process or page. */
  stop(): Promise<void>;
}

/** Writes down what a node hears, one line for each event. */
export function eventsOf(dict: ChordSocket<string, string>): string[] {
  const events: string[] = [];
  dict.on("add", (_dict, key) => events.push(`add ${key}`));
  dict.on("delete", (_dict, key) => events.push(`delete ${key}`));
  return events;
}

/** What every node can be asked. */
export function dictCommands(
  dict: ChordSocket<string, string>,
  events: readonly string[],
): Commands {
  return {
    set: (key: string, value: string, options?: WriteOptions) =>
      dict.set(key, value, options),
    get: async (key: string) => await dict.get(key, null),
    has: (key: string) => dict.has(key),
    del: (key: string) => dict.del(key),
    pop: (key: string) => dict.pop(key, null),
    setdefault: (key: string, value: string) => dict.setdefault(key, value),
    update: (entries: Record<string, string>) => dict.update(entries),
    copy: async () => Object.fromEntries(await dict.copy()),
    keys: async () => {
      const keys: string[] = [];
      for await (const key of dict.keys()) keys.push(key);
      return keys.sort();
    },
    size: () => dict.size(),
    settled: () => dict.settled(),
    id: () => dict.id,
    leeching: () => dict.leeching,
    ring: () => dict.ring.map(({ url }) => url).sort(),
    stats: () => dict.stats(),
    peers: () => dict.status.peers,
    /** All events so far, oldest first. */
    events: () => events,
  };
}

/** Carries out one command. */
export async function answerTo(
  commands: Commands,
  { command, args }: Asked,
): Promise<Answer> {
  try {
    return { value: await commands[command]!(...args as never[]) ?? null };
  } catch (error) {
    const words = error instanceof Error
      ? `${error.name}: ${error.message}`
      : String(error);
    return { error: words };
  }
}

/** The value of an answer. */
export function valueOf<T>(name: string, answer: Answer): T {
  if ("error" in answer) throw new Error(`${name} said: ${answer.error}`);
  return answer.value as T;
}
