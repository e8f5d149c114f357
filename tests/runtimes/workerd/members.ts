import type { Runtime } from "../../../scripts/runtimes_found.ts";
import { bundle } from "../bundle.ts";
import { type Answer, type RemoteNode, valueOf } from "../commands.ts";
import { Workerd } from "./process.ts";

/** What the objects of one process are told. */
export interface MembersOptions {
  readonly subnet?: string;
  /** Members elsewhere, to connect to. */
  readonly seeds?: readonly string[];
  /** Objects of this process that connect to each other. */
  readonly siblings?: readonly string[];
  /** Options of each object. */
  readonly object?: {
    readonly alarmMs?: number;
    readonly timings?: Readonly<Record<string, number>>;
  };
}

/** A process of workerd whose objects are members. */
export class WorkerdMembers implements AsyncDisposable {
  readonly workerd: Workerd;

  constructor(workerd: Workerd) {
    this.workerd = workerd;
  }

  static async start(
    runtime: Runtime,
    options: MembersOptions = {},
  ): Promise<WorkerdMembers> {
    const { subnet = "", seeds = [], siblings = [], object = {} } = options;
    const program = {
      module: await bundle(new URL("member_worker.ts", import.meta.url)),
      className: "Member",
      texts: {
        SUBNET: subnet,
        SEEDS: JSON.stringify(seeds),
        SIBLINGS: JSON.stringify(siblings),
        OPTIONS: JSON.stringify(object),
      },
    };
    return new WorkerdMembers(await Workerd.start(runtime, program));
  }

  /** What peers dial to reach an object. */
  urlOf(name: string): string {
    return `ws://${this.workerd.host}/members/${name}`;
  }

  /** Asks an object; the first question makes it a member. */
  async call<T>(
    name: string,
    command: string,
    ...args: readonly unknown[]
  ): Promise<T> {
    return await this.#ask(`/members/${name}`, name, { command, args });
  }

  /** Has a Worker be a leaf, for one question. */
  async asLeaf<T>(
    member: string,
    command: string,
    ...args: readonly unknown[]
  ): Promise<T> {
    const path = `/leaf?member=${encodeURIComponent(member)}`;
    return await this.#ask(path, "the leaf", { command, args });
  }

  /** Has an object lose its memory at once. */
  async reset(name: string): Promise<void> {
    // The answer is an error: the request ends with the object's memory.
    await this.call(name, "reset").catch(() => {});
  }

  async #ask<T>(path: string, name: string, asked: unknown): Promise<T> {
    const response = await fetch(`http://${this.workerd.host}${path}`, {
      method: "POST",
      body: JSON.stringify(asked),
    });
    const body = await response.text();
    if (!response.ok) throw new Error(`${name} answered ${body}`);
    return valueOf(name, JSON.parse(body) as Answer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.workerd[Symbol.asyncDispose]();
  }
}

/** A process of workerd with one object that is a member. */
export async function startWorkerdMember(
  runtime: Runtime,
  options: MembersOptions = {},
): Promise<RemoteNode> {
  const members = await WorkerdMembers.start(runtime, options);
  await members.call("only", "id");
  return {
    name: "workerd",
    url: members.urlOf("only"),
    call: (command, ...args) => members.call("only", command, ...args),
    stop: () => members[Symbol.asyncDispose](),
  };
}
