/**
 * What a ring owes the code that runs on it: each write that its sockets were
 * told is done.
 *
 * @module
 */
import { type Bytes, equalBytes, fromUtf8, toHex } from "../../base/bytes.ts";
import type { CopyView } from "../../dict/dict.ts";
import type {
  DictOperation,
  Found,
  Item,
  Written,
} from "../../dict/operations.ts";
import { keyId } from "../../id/id.ts";
import type { Version } from "../../wire/messages.ts";
import { type Finding, noLostWrite } from "../checkers.ts";
import { compareVersions, type Key } from "../history.ts";
import { isTombstone, Ledger } from "../ledger.ts";
import type { LiveNode } from "../node.ts";

/** The acknowledged writes of one ring. */
export class Accounts {
  readonly ledger: Ledger;

  constructor(replicas: number) {
    this.ledger = new Ledger(replicas);
  }

  /** Takes in what a node answers its application. */
  onResult(
    operation: DictOperation,
    value: unknown,
    live: readonly LiveNode[],
    atMs: number,
  ): void {
    const owe = (key: Bytes, isIt: (copy: CopyView) => boolean) =>
      this.#oweLike(key, isIt, live, atMs);
    switch (operation.type) {
      case "set":
        return value === undefined
          ? owe(operation.key, isValue(operation.value))
          : this.#owe(operation.key, (value as Written).version, false, atMs);
      case "setDefault":
        if (!equalBytes(value as Bytes, operation.value)) return;
        return owe(operation.key, isValue(operation.value));
      case "delete":
        if (value === true) owe(operation.key, isTombstone);
        return;
      case "pop":
        if ((value as Found).value === undefined) return;
        return owe(operation.key, isTombstone);
      case "popItem":
        if (value !== undefined) owe((value as Item).key, isTombstone);
    }
  }

  /** Whether all that is owed would still be there without `victim`. */
  permitsEndOf(victim: LiveNode, live: readonly LiveNode[]): boolean {
    return this.lost(live.filter((node) => node !== victim)) === undefined;
  }

  /** An acknowledged write that nobody has any more. */
  lost(live: readonly LiveNode[]): Finding {
    return noLostWrite(this.ledger, live);
  }

  /**
   * Takes in a write whose version nobody was told. Others may be writing just
   * the same value, so what counts is what as many have as must have it.
   */
  #oweLike(
    key: Bytes,
    isIt: (copy: CopyView) => boolean,
    live: readonly LiveNode[],
    atMs: number,
  ): void {
    const id = keyId(key);
    const copies = live.map((node) => node.machine.dict.copyOf(id))
      .filter((copy) => copy !== undefined && isIt(copy)) as CopyView[];
    copies.sort((a, b) => compareVersions(b.version, a.version));
    const last = copies[Math.min(this.ledger.replicas, copies.length) - 1];
    if (last === undefined) return; // Something newer is there already.
    this.#owe(key, last.version, last.value === undefined, atMs);
  }

  #owe(key: Bytes, version: Version, isDelete: boolean, atMs: number): void {
    const safe = new Set<never>(); // Only for those who drop copies.
    this.ledger.acknowledge({
      key: nameOf(key),
      version,
      isDelete,
      atMs,
      safe,
    });
  }
}

function isValue(value: Bytes): (copy: CopyView) => boolean {
  return (copy) => copy.value !== undefined && equalBytes(copy.value, value);
}

/** A key that need not be text. */
function nameOf(bytes: Bytes): Key {
  const id = keyId(bytes);
  try {
    return { text: fromUtf8(bytes), bytes, id };
  } catch {
    return { text: toHex(bytes), bytes, id };
  }
}
