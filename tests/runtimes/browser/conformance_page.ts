/**
 * Runs in a page: the conformance cases.
 *
 * @module
 */
import * as library from "@chord/dict";
import { runCases } from "../../../src/testing/conformance/cases.ts";
import type { Outside } from "../../../src/testing/conformance/subject.ts";
import { answerTo, type Asked } from "../commands.ts";

const commands = {
  conform: (outside: Outside) =>
    runCases({
      runtime: "a page",
      library,
      webSocket: WebSocket as never,
      outside,
      lacks: {
        listen: "a page cannot listen",
        serve: "a page cannot serve",
      },
    }),
};

Object.assign(globalThis, {
  answer: (asked: Asked) => answerTo(commands, asked),
});
