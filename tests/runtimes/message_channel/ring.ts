import { type Answer, valueOf } from "../commands.ts";

/** A worker that is a node. */
export class WorkerNode {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #calls = 0;

  constructor(program: URL | string) {
    this.#worker = new Worker(program, { type: "module" });
    this.#worker.onmessage = ({ data: { id, ...answer } }) => {
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    };
  }

  async call<T>(command: string, ...args: readonly unknown[]): Promise<T> {
    const id = this.#calls++;
    const ports = args.filter((arg) => arg instanceof MessagePort);
    const answer = new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    this.#worker.postMessage({ id, command, args }, ports);
    return valueOf("a worker", await answer);
  }

  /** Ends the worker at once, as a crash does. */
  terminate(): void {
    this.#worker.terminate();
  }
}

/** Workers that are one ring; each is connected to each by a channel. */
export async function ringOfWorkers(
  program: URL | string,
  count: number,
): Promise<WorkerNode[]> {
  const nodes: WorkerNode[] = [];
  for (let i = 0; i < count; i++) {
    const node = new WorkerNode(program);
    for (const other of nodes) {
      const { port1, port2 } = new MessageChannel();
      await Promise.all([
        node.call("attach", port1),
        other.call("attach", port2),
      ]);
    }
    await node.call("join");
    nodes.push(node);
  }
  for (const node of nodes) await node.call("settled");
  return nodes;
}
