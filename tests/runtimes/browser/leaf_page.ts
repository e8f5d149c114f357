/**
 * Runs in a page: a leaf that does what it is asked.
 *
 * @module
 */
import { ChordSocket, text } from "@chord/dict";
import {
  answerTo,
  type Asked,
  type Commands,
  dictCommands,
  eventsOf,
} from "../commands.ts";

let commands: Commands = {
  connect: async (url: string, subnet: string) => {
    const dict = new ChordSocket({ subnet, keys: text, values: text });
    commands = {
      ...dictCommands(dict, eventsOf(dict)),
      close: () => dict.close(),
    };
    await dict.connect(url);
  },
};

Object.assign(globalThis, {
  answer: (asked: Asked) => answerTo(commands, asked),
});
