/**
 * What must be true of every change of a copy, judged in the step that makes
 * it: no later look can tell a copy that was dropped too early from one that
 * its holder took with it when it died.
 *
 * @module
 */
import { EVERYWHERE } from "../base/options.ts";
import { fromUtf8 } from "../base/bytes.ts";
import type { CopyView } from "../dict/dict.ts";
import type { Id } from "../id/id.ts";
import type { Finding } from "./checkers.ts";
import { compareVersions, versionText } from "./history.ts";
import type { Ledger } from "./ledger.ts";
import type { LiveNode } from "./node.ts";
import { activeNodes, holdersOf, names, ringSeenBy } from "./truth.ts";

/** What each node has, as far as it was told. */
export class Copies {
  readonly #byNode = new WeakMap<LiveNode, Map<Id, CopyView>>();
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** The version of a copy never falls, as long as it is kept. */
  versionsNeverFall(node: LiveNode, id: Id, copy: CopyView): Finding {
    const copies = this.#byNode.get(node) ?? new Map<Id, CopyView>();
    this.#byNode.set(node, copies);
    const before = copies.get(id);
    copies.set(id, copy);
    if (before === undefined) return undefined;
    if (compareVersions(copy.version, before.version) >= 0) return undefined;
    return `${node.name} had "${fromUtf8(copy.key)}" ` +
      `${versionText(before.version)}, and has ${versionText(copy.version)}`;
  }

  /**
   * Whoever drops the newest acknowledged version of a key leaves it with R
   * others, or with all that it knows, if they are fewer.
   *
   * @param ended how many ended so lately that they may have confirmed
   */
  copiesAreDroppedSafely(
    dropper: LiveNode,
    id: Id,
    live: readonly LiveNode[],
    ended: number,
  ): Finding {
    const copies = this.#byNode.get(dropper);
    const dropped = copies?.get(id);
    copies?.delete(id);
    if (dropped === undefined) return undefined;
    const { replicas } = this.#ledger;
    const owed = this.#ledger.newestOf(fromUtf8(dropped.key));
    if (owed === undefined || replicas === EVERYWHERE) return undefined;
    if (compareVersions(dropped.version, owed.version) < 0) return undefined;
    const others = live.filter((node) => node !== dropper);
    const holders = holdersOf(owed.key, owed.version, others);
    const least = Math.min(
      replicas,
      activeNodes(live).length,
      ringSeenBy(dropper).length,
    );
    if (holders.length + ended >= least) {
      this.#ledger.letGo(owed.key.text, dropper.machine.id);
      return undefined;
    }
    return `${dropper.name} drops "${owed.key.text}" ` +
      `${versionText(owed.version)} while only [${names(holders)}] hold it`;
  }
}
