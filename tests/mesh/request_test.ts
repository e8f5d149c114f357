import { assert, assertEquals } from "@std/assert";
import { REQUESTS_IN_FLIGHT_MAX } from "../../src/base/limits.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { type Id, randomId, ZERO_ID } from "../../src/id/id.ts";
import type { RequestFailure } from "../../src/mesh/peers.ts";
import { Health } from "../../src/wire/messages.ts";
import { Network, type Station } from "./harness.ts";

/** What became of a request. */
interface Outcome {
  readonly answers: Id[];
  readonly failures: { to: Id; failure: RequestFailure }[];
}

function ask(
  net: Network,
  from: Station,
  to: readonly Id[],
  timeoutMs = 1_000,
): Outcome {
  const outcome: Outcome = { answers: [], failures: [] };
  net.inside(from, () => {
    const request = from.peers.request(timeoutMs, {
      onAnswer: (_message, id) => outcome.answers.push(id),
      onFailure: (id, failure) => outcome.failures.push({ to: id, failure }),
    })!;
    for (const id of to) {
      request.send(id, { type: "push", request: request.number, entries: [] });
    }
    assertEquals(outcome.failures, [], "never from within send()");
  });
  return outcome;
}

function answer(station: Station): void {
  station.recorder.onAsked = (message, from) => {
    if (message.type !== "push") return;
    station.peers.send(from, { type: "pushed", request: message.request });
  };
}

Deno.test("one request to several nodes gets an answer of each", () => {
  const net = new Network(1);
  const [a, b, c] = net.mesh(3) as [Station, Station, Station];
  answer(b);
  answer(c);
  const { answers, failures } = ask(net, a, [b.id, c.id]);
  net.run(100);
  assertEquals(new Set(answers), new Set([b.id, c.id]));
  assertEquals(answers.length, 2);
  assertEquals(failures, []);
  assertEquals(a.machine.stats.requestsInFlight, 0);
  assertEquals(a.peers.roundTripMs(b.id), 2);
});

Deno.test("nobody can answer for another node", () => {
  const net = new Network(2);
  const [a, b, c] = net.mesh(3) as [Station, Station, Station];
  b.recorder.onAsked = (message) => {
    if (message.type !== "push") return;
    net.inside(c, () => {
      c.peers.send(a.id, { type: "pushed", request: message.request });
    });
  };
  const { answers, failures } = ask(net, a, [b.id], 500);
  net.run(1_000);
  assertEquals(answers, []);
  assertEquals(failures, [{ to: b.id, failure: "timeout" }]);
});

Deno.test("a request without an answer times out once, at its time", () => {
  const net = new Network(3);
  const [a, b] = net.mesh(2) as [Station, Station];
  const outcome = ask(net, a, [b.id], 700);
  net.run(699);
  assertEquals(outcome.failures, []);
  net.run(2);
  assertEquals(outcome.failures, [{ to: b.id, failure: "timeout" }]);
  net.run(5_000);
  assertEquals(outcome.failures.length, 1);
});

Deno.test("a request fails at once when its link breaks", () => {
  const net = new Network(4);
  const [a, b] = net.mesh(2) as [Station, Station];
  const outcome = ask(net, a, [b.id], 5_000);
  net.run(10);
  net.crash(b);
  net.run(5);
  assertEquals(outcome.failures, [{ to: b.id, failure: "unreachable" }]);
});

Deno.test("a request fails only once the news that ended it are known whole", () => {
  const net = new Network(4);
  const [a, b, c] = net.mesh(3) as [Station, Station, Station];
  const record = b.machine.member(b.id)!;
  const returned = { ...record, id: randomId(new SeededRandom(4)) };
  let known: boolean | undefined;
  net.inside(a, () => {
    const request = a.peers.request(5_000, {
      onAnswer: () => {},
      onFailure: () => known = a.machine.member(returned.id) !== undefined,
    })!;
    const { number } = request;
    request.send(b.id, { type: "push", request: number, entries: [] });
  });
  // Of who is heard nobody else says that it is dead.
  net.isCut = (one, other) => one === b || other === b;
  net.run(2_300);
  const records = [{ ...record, health: Health.dead }, returned];
  net.inside(c, () => {
    const news = { from: ZERO_ID, to: ZERO_ID, records };
    c.peers.send(a.id, { type: "gossip", ...news });
  });
  net.run(5);
  assertEquals(known, true);
});

Deno.test("a request to who cannot be reached fails before the step ends", () => {
  const net = new Network(5);
  const a = net.add("a");
  const { failures } = ask(net, a, ["f".repeat(32)]);
  assertEquals(failures.map(({ failure }) => failure), ["unreachable"]);
});

Deno.test("after cancel() no handler runs, and nothing is kept", () => {
  const net = new Network(6);
  const [a, b] = net.mesh(2) as [Station, Station];
  const never = () => {
    throw new Error("a cancelled request called back");
  };
  net.inside(a, () => {
    const request = a.peers.request(100, {
      onAnswer: never,
      onFailure: never,
    })!;
    request.send(b.id, { type: "push", request: request.number, entries: [] });
    request.cancel();
  });
  net.run(1_000);
  assertEquals(a.machine.stats.requestsInFlight, 0);
});

Deno.test("requests in flight are bounded", () => {
  const net = new Network(7);
  const [a, b] = net.mesh(2) as [Station, Station];
  const none = { onAnswer: () => {}, onFailure: () => {} };
  net.inside(a, () => {
    for (let i = 0; i < REQUESTS_IN_FLIGHT_MAX; i++) {
      const request = a.peers.request(60_000, none)!;
      request.send(b.id, {
        type: "push",
        request: request.number,
        entries: [],
      });
    }
    assertEquals(a.peers.request(60_000, none), undefined);
  });
});

Deno.test("two nodes that nobody can dial talk through a third", () => {
  const net = new Network(8);
  const hub = net.add("hub");
  const a = net.add("a", { isLeaf: true });
  const b = net.add("b", { isLeaf: true });
  net.connect(a, hub);
  net.connect(b, hub);
  net.until(() => a.machine.members.length === 3, 2_000);
  answer(b);
  const { answers } = ask(net, a, [b.id]);
  net.run(100);
  assertEquals(answers, [b.id]);
  assert(!a.peers.isLinked(b.id));

  // Neither takes the other for dead: the third one vouches for both.
  net.run(30_000);
  assertEquals(a.health(b), 0);
  assertEquals(b.health(a), 0);
});
