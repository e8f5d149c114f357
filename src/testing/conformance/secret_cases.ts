/**
 * Networks with a secret.
 *
 * @module
 */
import { equal, ok, rejects } from "./check.ts";
import { link, textSocket, withRing, withSockets } from "./ring.ts";
import { always, type Case, type TextSocket } from "./subject.ts";

const NEW = "the new secret of this network";
const OLD = "the old secret of this network";

/** Who is let in, and who is not. */
export const secretCases: readonly Case[] = [
  always(
    "members and leaves with one secret are a ring",
    (subject) =>
      withRing(subject, 2, async (ring) => {
        const leaf = await ring.leaf({ secret: new TextEncoder().encode(NEW) });
        equal(leaf.status.secured, true);
        await leaf.set("key", "value");
        equal(await ring.first.get("key"), "value");
        equal(await ring.nodes[1]!.pop("key"), "value");
      }, { secret: NEW }),
  ),

  always("another secret is an AuthError, and on both sides", (subject) => {
    const told: string[] = [];
    const onError = (error: unknown) => {
      told.push((error as Error).name);
    };
    const one = textSocket(subject, { secret: NEW, onError });
    const two = textSocket(subject, { secret: OLD });
    return withSockets<TextSocket>([one, two], async () => {
      const error = await rejects(() => link(subject, two, one), "AuthError");
      equal([error.code, error.applied], ["auth", "no"]);
      ok(!error.message.includes(OLD), error.message);
      // Who attached a stream is told by its call, and nobody else.
      const expected = subject.listen === undefined ? 0 : 1;
      equal(told, Array(expected).fill("AuthError"));
      equal([one.members.length, two.members.length], [1, 1]);
    });
  }),

  always("a node with a secret and one without do not meet", (subject) => {
    const one = textSocket(subject, { secret: NEW });
    const two = textSocket(subject);
    return withSockets<TextSocket>([one, two], async () => {
      equal([one.status.secured, two.status.secured], [true, false]);
      await rejects(() => link(subject, two, one), "AuthError");
      await rejects(() => link(subject, one, two), "AuthError");
    });
  }),

  always("a secret is changed node by node", (subject) => {
    const behind = textSocket(subject, { secret: OLD });
    const between = textSocket(subject, { secrets: [NEW, OLD] });
    const ahead = textSocket(subject, { secret: NEW });
    return withSockets<TextSocket>([behind, between, ahead], async () => {
      await link(subject, between, behind);
      await link(subject, ahead, between);
      equal(between.routingTable.size, 2);
      await rejects(() => link(subject, behind, ahead), "AuthError");
    });
  }),

  always("two subnets with one secret are two subnets", (subject) => {
    const [one, two] = ["one", "two"]
      .map((subnet) => textSocket(subject, { subnet, secret: NEW }));
    return withSockets<TextSocket>(
      [one!, two!],
      () =>
        rejects(() => link(subject, two!, one!), "SubnetMismatchError")
          .then(() => {}),
    );
  }),
];
