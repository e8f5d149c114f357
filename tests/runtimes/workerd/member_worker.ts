/**
 * Runs in workerd: objects that are members, and a Worker in front of them.
 *
 * Each object is at `/members/<name>`, for peers and for commands.
 *
 * @module
 */
import { ChordSocket, text } from "@chord/dict";
import { ChordObject, type ObjectState } from "@chord/dict/workerd";
import { answerTo, dictCommands, eventsOf } from "../commands.ts";

interface Stub {
  fetch(request: Request): Promise<Response>;
}

interface Env {
  readonly MEMBERS: {
    idFromName(name: string): unknown;
    get(id: unknown): Stub;
  };
  readonly SUBNET: string;
  /** A list of urls, as JSON. */
  readonly SEEDS: string;
  /** Names of objects that are seeds, as JSON. */
  readonly SIBLINGS: string;
  /** Options of every object, as JSON. */
  readonly OPTIONS: string;
}

/** What an object has besides that the tests look at. */
interface TestState extends ObjectState {
  abort(reason: string): void;
}

export class Member extends ChordObject<string, string> {
  readonly #state: TestState;
  readonly #errors: string[];
  #events: string[] = [];
  /** Names this time in memory. */
  readonly #born: string = crypto.randomUUID();

  constructor(state: TestState, env: Env) {
    const errors: string[] = [];
    super(state, env, {
      subnet: env.SUBNET,
      keys: text,
      values: text,
      ...JSON.parse(env.OPTIONS),
      onError: (error) => errors.push(String(error)),
      seeds: (url) => [
        ...JSON.parse(env.SEEDS),
        ...JSON.parse(env.SIBLINGS).map((name: string) =>
          new URL(name, url).href
        ),
      ],
    });
    this.#state = state;
    this.#errors = errors;
  }

  protected override onNode(dict: ChordSocket<string, string>): void {
    this.#events = eventsOf(dict);
  }

  /** A connection that outlives the node, as others do by chance. */
  #takeStranger(): Response {
    const pair = new WebSocketPair();
    this.#state.acceptWebSocket(pair[1] as never);
    return new Response(
      null,
      { status: 101, webSocket: pair[0] } as ResponseInit,
    );
  }

  override async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).searchParams.has("stranger")) {
      return this.#takeStranger();
    }
    const isPage = request.method === "GET";
    if (isPage || request.headers.has("upgrade")) return super.fetch(request);
    const asked = await request.json();
    if (asked.command === "born") return Response.json({ value: this.#born });
    const dict = await this.node(request.url);
    const answer = await answerTo({
      ...dictCommands(dict, this.#events),
      arcs: () => dict.ring.map(({ url, after }) => [url, after]),
      errors: () => this.#errors,
      leave: () => this.leave(),
      reset: () => this.#state.abort("a test wants it"),
      sockets: () => this.#state.getWebSockets().length,
      kept: async () =>
        (await this.#state.storage.list({ prefix: "copy:", limit: 10_000 }))
          .size,
    }, asked);
    return Response.json(answer);
  }
}

declare const WebSocketPair: new () => Record<"0" | "1", WebSocket>;

/** A leaf for one request. */
async function asLeaf(request: Request, env: Env): Promise<Response> {
  await using dict = new ChordSocket({
    subnet: env.SUBNET,
    keys: text,
    values: text,
  });
  await dict.connect(new URL(request.url).searchParams.get("member")!);
  const answer = await answerTo(dictCommands(dict, []), await request.json());
  return Response.json(answer);
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/leaf") return await asLeaf(request, env);
    const name = pathname.replace("/members/", "");
    return await env.MEMBERS.get(env.MEMBERS.idFromName(name)).fetch(request);
  },
};
