/**
 * The connections of one socket, each one object for as long as it lasts.
 *
 * @module
 */
import type { Id } from "../../id/id.ts";
import type { MemberRecord } from "../../wire/messages.ts";
import { viewOf } from "./parts.ts";
import { MeshConnection } from "./views.ts";

/** By the id of the node at the other end. */
export class Connections {
  readonly #all = new Map<Id, MeshConnection>();
  readonly #find: (id: Id) => MemberRecord | undefined;

  constructor(find: (id: Id) => MemberRecord | undefined) {
    this.#find = find;
  }

  get all(): ReadonlyMap<Id, MeshConnection> {
    return this.#all;
  }

  to(id: Id): MeshConnection {
    let connection = this.#all.get(id);
    if (connection === undefined) {
      connection = new MeshConnection(id, (wanted) => {
        const record = this.#find(wanted);
        return record && viewOf(record);
      });
      this.#all.set(id, connection);
    }
    return connection;
  }

  drop(id: Id): void {
    this.#all.delete(id);
  }

  clear(): void {
    this.#all.clear();
  }
}
