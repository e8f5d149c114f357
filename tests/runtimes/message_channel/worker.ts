/**
 * Runs in a worker: a member that is handed ports, and does what it is asked.
 *
 * @module
 */
import { ChordSocket, text } from "@chord/dict";
import {
  answerTo,
  type Commands,
  dictCommands,
  eventsOf,
} from "../commands.ts";
import { duplexOf } from "./duplex.ts";

/** The part of a worker's global scope that is used here. */
interface WorkerScope {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: unknown): void;
}

const scope = globalThis as unknown as WorkerScope;
const dict = new ChordSocket({ keys: text, values: text });
const commands: Commands = {
  ...dictCommands(dict, eventsOf(dict)),
  attach: async (port: MessagePort) => {
    await dict.attach(duplexOf(port));
  },
  join: () => dict.join(),
  leave: () => dict.leave(),
  close: () => dict.close(),
};

scope.onmessage = async ({ data: { id, ...asked } }) => {
  scope.postMessage({ id, ...await answerTo(commands, asked) });
};
