/**
 * One node of the fault runs: a socket in a process of its own, told what to do
 * by standard input. What it holds is told as it is, for the checker.
 *
 * @module
 */
import { ChordError, ChordSocket, text } from "../../mod.ts";
import { fromUtf8, toHex, utf8 } from "../../src/base/bytes.ts";
import { sha256 } from "../../src/base/sha256.ts";
import { insideOf } from "../../src/dict/dict_socket.ts";
import type { DictOperation, Written } from "../../src/dict/operations.ts";
import { driverOf } from "../../src/mesh/mesh_socket.ts";
import { listen } from "../../src/runtime/deno.ts";
import { valueText } from "../../src/testing/history.ts";
import type { MemberRecord, Version } from "../../src/wire/messages.ts";
import { serveCommands } from "../children.ts";

/** What a node is started with. */
export interface NodeSettings {
  readonly name: string;
  readonly url: string;
  readonly replicas: number;
}

/** One copy: its value's unique part, and a digest of all of it. */
export interface CopySaid {
  readonly key: string;
  readonly version: Version;
  readonly value: string | null;
}

/** All that a checker wants to know of a node. */
export interface Snapshot {
  readonly id: string;
  readonly members: readonly MemberRecord[];
  readonly isSettled: boolean;
  readonly copies: readonly CopySaid[];
}

/** How an operation ended. */
export type Said<T> =
  | { readonly value: T; readonly error?: never }
  | { readonly applied: "no" | "maybe"; readonly error: string };

const settings = JSON.parse(Deno.args[0]!) as NodeSettings;
const { name, url, replicas } = settings;

/** Says to the proxy who dials. */
class NamedWebSocket extends WebSocket {
  constructor(url: string) {
    super(`${url}?from=${name}`);
  }
}

const sock = new ChordSocket({
  subnet: "faults",
  url,
  replicas,
  webSocket: NamedWebSocket,
  keys: text,
  values: text,
});
const { machine } = insideOf(sock);

async function said<T>(work: () => Promise<T>): Promise<Said<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    const applied = error instanceof ChordError ? error.applied : "maybe";
    return { applied, error: `${error}` };
  }
}

const DIGEST_CHARACTERS = 16;

/** A value in few characters: what makes it unique, and of what bytes it is. */
function shown(value: Uint8Array): string {
  const digest = toHex(sha256(value)).slice(0, DIGEST_CHARACTERS);
  return `${valueText(value.slice())}#${digest}`;
}

await serveCommands({
  async listen(port: number): Promise<number> {
    return (await listen(sock, { hostname: "127.0.0.1", port })).port;
  },
  connect: (url: string) => said(async () => void await sock.connect(url)),
  join: () => said(() => sock.join()),
  get: (key: string, timeoutMs: number) =>
    said(() => sock.get(key, null, { timeoutMs })),
  del: (key: string, timeoutMs: number) =>
    said(() => sock.del(key, { timeoutMs })),
  /** As `sock.set` does it, which does not say which version it wrote. */
  set: (key: string, value: string, timeoutMs: number) =>
    said(() =>
      driverOf<DictOperation>(sock).ask<Written>(
        { type: "set", key: utf8(key), value: utf8(value), timeoutMs },
        { action: "set a key", writes: true, signal: undefined },
      )
    ),
  snapshot: (): Snapshot => ({
    id: sock.id,
    members: machine.members,
    isSettled: machine.dict.isSettled,
    copies: Array.from(machine.dict.copies(), ({ key, version, value }) => ({
      key: fromUtf8(key),
      version,
      value: value === undefined ? null : shown(value),
    })),
  }),
});
await sock.close();
