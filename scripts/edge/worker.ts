/**
 * A dict at the edge: three Durable Objects are its members, a Worker reads and
 * writes it.
 *
 *     curl -X PUT -d hello https://…/dict/greeting
 *     curl https://…/dict/greeting
 *     curl -X DELETE https://…/dict/greeting
 *     curl https://…/all
 *
 * The objects reach each other by their binding, at a host that is nowhere
 * else: so nobody from outside can become a peer. Whoever can reach the Worker
 * can read and write, though; put your own check at its beginning.
 *
 * @module
 */
import { ChordSocket, text } from "@chord/dict";
import { ChordObject, dialBy, type ObjectState } from "@chord/dict/workerd";

/** What `wrangler.jsonc` binds. */
interface Env {
  readonly MEMBERS: {
    idFromName(name: string): unknown;
    get(id: unknown): { fetch(request: Request): Promise<Response> };
  };
}

/** The names of the objects; more of them share the load. */
const NAMES = ["0", "1", "2"];
const RING_URL = "wss://ring.internal/";

/** Sends a request to the object that its path names. */
function toMember(env: Env, request: Request): Promise<Response> {
  const name = new URL(request.url).pathname.slice(1);
  return env.MEMBERS.get(env.MEMBERS.idFromName(name)).fetch(request);
}

/** What all nodes of the ring are made with. */
function optionsFor(env: Env) {
  return {
    subnet: "edge",
    keys: text,
    values: text,
    webSocket: dialBy((request) => toMember(env, request)),
  };
}

function anyName(): string {
  return NAMES[Math.floor(Math.random() * NAMES.length)]!;
}

/** A member; it answers for the dict, too. */
export class Member extends ChordObject<string, string> {
  constructor(state: ObjectState, env: Env) {
    super(state, env, {
      ...optionsFor(env),
      seeds: NAMES.map((name) => RING_URL + name),
    });
  }

  override async fetch(request: Request): Promise<Response> {
    if (request.headers.has("upgrade")) return await super.fetch(request);
    const { pathname, searchParams } = new URL(request.url);
    const dict = await this.node(RING_URL + pathname.slice(1));
    const key = searchParams.get("key")!;
    switch (request.method) {
      case "PUT":
        await dict.set(key, await request.text());
        return new Response(null, { status: 204 });
      case "DELETE":
        return Response.json(await dict.del(key));
    }
    const value = await dict.get(key, null);
    return new Response(value, { status: value === null ? 404 : 200 });
  }
}

/** One key: whichever object is asked does it. */
async function one(request: Request, env: Env, key: string): Promise<Response> {
  const url = new URL(RING_URL.replace("wss:", "https:") + anyName());
  url.searchParams.set("key", key);
  return await toMember(env, new Request(url, request));
}

/** All entries: the Worker is a leaf of the ring while it reads them. */
async function all(env: Env): Promise<Response> {
  await using dict = new ChordSocket<string, string>(optionsFor(env));
  await dict.connect(RING_URL + anyName());
  return Response.json(Object.fromEntries(await dict.copy()));
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname } = new URL(request.url);
    const [, route, key] = /^\/(\w+)(?:\/(.+))?$/.exec(pathname) ?? [];
    if (route === "all") return await all(env);
    if (route === "dict" && key !== undefined) {
      return await one(request, env, decodeURIComponent(key));
    }
    return new Response("Keys are at /dict/<key>, all of them at /all\n", {
      status: 404,
    });
  },
};
