import { assert, assertEquals } from "@std/assert";
import { Health, Role } from "../../src/wire/messages.ts";
import { randomId } from "../../src/id/id.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { Network, type Station } from "./harness.ts";

/** What each node believes of the nodes that are present, as one text. */
function view(station: Station): string {
  return station.machine.members
    .filter(({ health }) => health <= Health.suspect)
    .map((r) => `${r.id} ${r.incarnation} ${r.role} ${r.health} ${r.position}`)
    .sort()
    .join("\n");
}

function agree(stations: readonly Station[]): boolean {
  return new Set(stations.map(view)).size === 1;
}

function join(net: Network, station: Station, seed: number): void {
  net.inside(station, () => {
    station.peers.setRole(Role.active, randomId(new SeededRandom(seed)));
  });
}

Deno.test("to connect to one node is to be linked with all", () => {
  const net = new Network(5);
  const stations = net.mesh(12);
  net.run(2_000);
  assert(agree(stations));
  for (const { machine } of stations) assertEquals(machine.stats.links, 11);
});

Deno.test("leaves that cannot be dialled link to every node that can", () => {
  const net = new Network(6);
  const stations = net.mesh(4);
  const leaf = net.add("leaf", { isLeaf: true });
  net.connect(leaf, stations[3]!);
  net.until(() => leaf.machine.linked.length === 4, 2_000);
});

Deno.test("a change of role is in every table, and in every ring, within a second", () => {
  const net = new Network(7);
  const stations = net.mesh(9);
  net.run(1_000);
  stations.forEach((station, i) => join(net, station, i));
  net.until(
    () => stations.every((s) => s.peers.ring.members.length === 9),
    1_000,
  );
  net.run(500);
  assert(agree(stations));
  assertEquals(new Set(stations.map((s) => s.peers.ring.hash)).size, 1);
  for (const { recorder } of stations) {
    // Each change was told from the ring before it to the ring after it.
    let shown = 0;
    for (const { before, after } of recorder.rings) {
      assertEquals(before.members.length, shown);
      shown = after.members.length;
    }
    assertEquals(shown, 9);
  }
});

Deno.test("setRole() shows in self at once and in the ring before the step ends", () => {
  const net = new Network(8);
  const a = net.add("a");
  const before = a.peers.self;
  net.inside(a, () => {
    a.peers.setRole(Role.active, before.position);
    assertEquals(a.peers.self.role, Role.active);
    assert(a.peers.self !== before);
    assertEquals(a.recorder.rings.length, 0);
  });
  assertEquals(a.recorder.rings.length, 1);
  assertEquals(a.peers.ring.members[0], a.peers.self);
});

Deno.test("a process that ends is dead for everybody within 500 ms", () => {
  for (const count of [2, 3, 8]) {
    const net = new Network(count);
    net.delayMs = 50;
    const stations = net.mesh(count);
    net.run(5_000);
    const [gone, ...rest] = stations as [Station, ...Station[]];
    net.crash(gone);
    const tookMs = net.until(
      () => rest.every((s) => s.health(gone) === Health.dead),
      10_000,
    );
    assert(tookMs <= 500, `${count} nodes: ${tookMs} ms`);
  }
});

Deno.test("a machine that falls silent is dead within 6 s, nobody else is", () => {
  for (const count of [2, 3, 8, 12]) {
    const net = new Network(20 + count);
    const stations = net.mesh(count);
    net.run(5_000);
    const [gone, ...rest] = stations as [Station, ...Station[]];
    net.vanish(gone);
    const tookMs = net.until(
      () => rest.every((s) => s.health(gone) === Health.dead),
      20_000,
    );
    assert(tookMs <= 6_000, `${count} nodes: ${tookMs} ms`);
    net.run(5_000);
    for (const a of rest) {
      for (const b of rest) assertEquals(a.health(b), Health.alive);
    }
  }
});

Deno.test("a pause of 2 s is no death, whoever pauses", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const net = new Network(seed);
    const stations = net.mesh(5);
    net.run(3_000 + 37 * seed);
    const sleeper = stations[seed % 5]!;
    net.pause(sleeper, 2_000);
    net.run(15_000);
    for (const station of stations) {
      assert(
        station.machine.members.every(({ health }) => health < Health.dead),
        `seed ${seed}`,
      );
      // Only the one that slept may be told of a return: its own.
      const returned = station === sleeper ? [sleeper.id] : [];
      assertEquals(station.recorder.returned, returned, `seed ${seed}`);
    }
    assert(agree(stations), `seed ${seed}`);
  }
});

Deno.test("a node that was asleep for long refutes its death and tells its extension", () => {
  const net = new Network(31);
  const stations = net.mesh(4);
  net.run(1_000);
  stations.forEach((station, i) => join(net, station, i));
  net.run(2_000);
  const [sleeper, ...rest] = stations as [Station, ...Station[]];
  const before = sleeper.peers.self.incarnation;
  net.pause(sleeper, 30_000);
  net.until(
    () => rest.every((s) => s.health(sleeper) === Health.dead),
    20_000,
  );
  net.run(40_000);
  assert(net.isFull(stations));
  for (const station of rest) {
    assertEquals(station.health(sleeper), Health.alive);
    assert(station.recorder.returned.includes(sleeper.id));
  }
  assert(sleeper.peers.self.incarnation > before);
  assert(sleeper.recorder.returned.includes(sleeper.id));
  assert(agree(stations));
});

Deno.test("a link that breaks is dialled again, and nobody is suspected", () => {
  const net = new Network(41);
  const stations = net.mesh(3);
  net.run(3_000);
  const [a, b] = stations as [Station, Station];
  net.sever(a, b);
  assert(!net.isFull(stations));
  net.until(() => net.isFull(stations), 1_000);
  net.run(5_000);
  for (const x of stations) {
    for (const y of stations) assertEquals(x.health(y), Health.alive);
  }
});

Deno.test("a partition makes two meshes, and one again when it is over", () => {
  for (let seed = 50; seed < 55; seed++) {
    const net = new Network(seed);
    const stations = net.mesh(6);
    stations.forEach((station, i) => join(net, station, i));
    net.run(3_000);
    const left = new Set(stations.slice(0, 2));
    net.isCut = (a, b) => left.has(a) !== left.has(b);
    net.until(
      () =>
        stations.every((a) =>
          stations.every((b) =>
            left.has(a) === left.has(b) || a.health(b) === Health.dead
          )
        ),
      30_000,
    );
    net.isCut = () => false;
    net.until(() => net.isFull(stations) && agree(stations), 30_000);
    for (const { peers } of stations) {
      assertEquals(peers.ring.members.length, 6, `seed ${seed}`);
    }
  }
});

Deno.test("another node on the port of one that ended is a node of its own", () => {
  const net = new Network(61);
  const stations = net.mesh(3);
  net.run(2_000);
  const [gone, ...rest] = stations as [Station, ...Station[]];
  net.crash(gone);
  const heir = net.add("n0");
  net.connect(heir, rest[0]!);
  net.until(() => net.isFull([heir, ...rest]), 5_000);
  for (const station of rest) {
    assertEquals(station.health(gone), Health.dead);
    assertEquals(station.health(heir), Health.alive);
  }
});

Deno.test("a url-less node that vanishes is dead in the end", () => {
  const net = new Network(71);
  const stations = net.mesh(3);
  const leaf = net.add("leaf", { isLeaf: true });
  net.connect(leaf, stations[0]!);
  net.until(() => leaf.machine.linked.length === 3, 2_000);
  net.run(2_000);
  net.crash(leaf);
  net.until(
    () => stations.every((s) => s.health(leaf) === Health.dead),
    10_000,
  );
});

Deno.test("a url-less node comes back by its seed after losing every link", () => {
  const net = new Network(72);
  const stations = net.mesh(2);
  const leaf = net.add("leaf", { isLeaf: true });
  net.connect(leaf, stations[0]!);
  net.until(() => leaf.machine.linked.length === 2, 2_000);
  net.isCut = (a, b) => a === leaf || b === leaf;
  net.until(
    () => stations.every((s) => s.health(leaf) === Health.dead),
    20_000,
  );
  net.run(60_000);
  net.isCut = () => false;
  net.until(() => net.isFull([...stations, leaf]), 30_000);
  assertEquals(stations[1]!.health(leaf), Health.alive);
});

Deno.test("an idle node sends at most 12 messages and 700 bytes a second", () => {
  for (const count of [5, 16, 40]) {
    const net = new Network(81);
    net.mesh(count);
    net.run(10_000);
    net.counts.clear();
    net.bytesDelivered = 0;
    net.run(30_000);
    let messages = 0;
    for (const counted of net.counts.values()) messages += counted;
    const perNode = messages / count / 30;
    assert(perNode <= 12, `${count} nodes: ${perNode} messages/s`);
    const bytes = net.bytesDelivered / count / 30;
    assert(bytes <= 700, `${count} nodes: ${bytes} B/s`);
  }
});

Deno.test("a node with few links reaches all, by others or by a dial, and keeps few", () => {
  const net = new Network(95);
  const stations = Array.from(
    { length: 40 },
    (_, i) => net.add(`n${i}`, { linksMax: 16 }),
  );
  for (const station of stations.slice(1)) {
    net.connect(station, stations[0]!);
    net.run(50);
  }
  net.until(() => agree(stations), 30_000);
  net.run(5_000);
  const [a, ...others] = stations as [Station, ...Station[]];
  for (const other of others) {
    net.inside(a, () => {
      a.peers.send(other.id, { type: "push", request: 1, entries: [] });
    });
    net.run(5);
  }
  net.run(2_000);
  for (const { recorder } of others) {
    assertEquals(recorder.messages.map(({ from }) => from), [a.id]);
  }
  net.run(30_000);
  for (const { machine } of stations) {
    assert(machine.linked.length <= 20, `${machine.linked.length} links`);
    assert(machine.members.every(({ health }) => health === Health.alive));
  }
});

Deno.test("who knows only a node that has no room is told of the others first", () => {
  const net = new Network(96);
  const stations = Array.from(
    { length: 16 },
    (_, i) => net.add(`n${i}`, { linksMax: 8 }),
  );
  for (const station of stations.slice(1)) {
    net.connect(station, stations[0]!);
    net.run(50);
  }
  net.until(() => agree(stations), 30_000);
  for (let i = 0; i < 4; i++) {
    const leaf = net.add(`leaf ${i}`, { isLeaf: true, linksMax: 8 });
    net.connect(leaf, stations[0]!);
    stations.push(leaf);
    net.until(() => agree(stations), 10_000);
  }
  net.run(10_000);
  net.counts.clear();
  net.run(60_000);
  // Who is turned away does not dial again at once.
  const hellos = net.counts.get("hello") ?? 0;
  assert(hellos < 20 * stations.length, `${hellos} hellos in a minute`);
});

Deno.test("above 64 nodes every table is right though not every link is there", () => {
  const net = new Network(91);
  const stations = Array.from({ length: 90 }, (_, i) => net.add(`n${i}`));
  for (const station of stations.slice(1)) {
    net.connect(station, stations[0]!);
    net.run(20);
  }
  net.until(() => agree(stations), 30_000);
  assertEquals(stations[7]!.machine.members.length, 90);
  const gone = stations[45]!;
  net.crash(gone);
  const rest = stations.filter((s) => s !== gone);
  net.until(
    () => rest.every((s) => s.health(gone) === Health.dead),
    10_000,
  );
  net.run(10_000);
  assert(agree(rest));
});

Deno.test("where not all are known, who answered at a url that is dialled again once it is gone is not forgotten", () => {
  const net = new Network();
  const few = { fullTableMax: 8, successors: 2 };
  const [node, seed, other] = ["node", "seed", "other"].map((name) =>
    net.add(name, few)
  ) as [Station, Station, Station];
  net.connect(other, seed);
  net.run(1_000);
  net.connect(node, seed);
  net.run(1_000);
  for (const station of [seed, other]) net.sever(node, station);
  const random = new SeededRandom(1);
  const crowd = Array.from({ length: 100 }, () => ({
    id: randomId(random),
    incarnation: 1,
    role: Role.active,
    health: Health.alive,
    position: randomId(random),
    url: "ws://crowd/",
  }));
  net.inside(node, () => node.peers.learn(crowd.slice(0, 20)));
  net.inside(node, () => node.peers.learn(crowd.slice(20)));
  assert(node.machine.window !== undefined, "all are to be known");
  assertEquals(node.health(other), undefined);
  assertEquals(node.health(seed), Health.alive);
});
