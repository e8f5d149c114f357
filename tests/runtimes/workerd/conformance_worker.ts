/**
 * Runs in workerd: the conformance cases, in a Worker or in an object.
 *
 * @module
 */
import * as library from "@chord/dict";
import { runCases } from "../../../src/testing/conformance/cases.ts";
import type {
  Outside,
  Subject,
} from "../../../src/testing/conformance/subject.ts";

interface Env {
  readonly MEMBERS: {
    idFromName(name: string): unknown;
    get(id: unknown): { fetch(request: Request): Promise<Response> };
  };
}

/** Answers with one line of JSON for each case, as it ends. */
function runIn(
  runtime: string,
  outside: Outside,
): { response: Response; done: Promise<void> } {
  const subject: Subject = {
    runtime,
    library,
    webSocket: WebSocket as never,
    outside,
    lacks: {
      listen: "the platform has no ports",
      serve: "the platform is the server",
    },
  };
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  const done = runCases(subject, (outcome) => {
    void writer.write(encoder.encode(JSON.stringify(outcome) + "\n"));
  }).then(() => writer.close());
  return { response: new Response(readable), done };
}

export class Place {
  async fetch(request: Request): Promise<Response> {
    return runIn("a Durable Object", await request.json()).response;
  }
}

export default {
  async fetch(
    request: Request,
    env: Env,
    context: { waitUntil(promise: Promise<unknown>): void },
  ): Promise<Response> {
    if (new URL(request.url).pathname === "/object") {
      const id = env.MEMBERS.idFromName("place");
      return await env.MEMBERS.get(id).fetch(request);
    }
    const { response, done } = runIn("a Worker", await request.json());
    context.waitUntil(done);
    return response;
  },
};
