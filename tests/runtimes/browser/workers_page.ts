/**
 * Runs in a page: a ring of its workers.
 *
 * @module
 */
import { answerTo, type Asked } from "../commands.ts";
import { ringOfWorkers } from "../message_channel/ring.ts";

const nodes = ringOfWorkers("/worker.js", 3);

const commands = {
  ask: async (worker: number, { command, args }: Asked) =>
    (await nodes)[worker]!.call(command, ...args),
};

Object.assign(globalThis, {
  answer: (asked: Asked) => answerTo(commands, asked),
});
