/** Decoders that are defective on purpose: each must be found out. */
import { assert, assertThrows } from "@std/assert";
import { type Bytes, concatBytes } from "../../src/base/bytes.ts";
import { Inbox } from "../../src/mesh/framer.ts";
import { decode } from "../../src/wire/codec.ts";
import { type Message, WatchStatus } from "../../src/wire/messages.ts";
import { Meter } from "./meter.ts";
import { BrokenProperty, product, type Subject } from "./properties.ts";
import { allNumbers, poolOf, runStream, type StreamName } from "./streams.ts";

const INPUTS = 20_000;

function assertFound(
  words: string,
  name: StreamName,
  subject: Partial<Subject>,
): void {
  using meter = new Meter();
  const pool = poolOf(1);
  const world = { subject: { ...product, ...subject }, meter, pool };
  const error = assertThrows(
    () => runStream(name, 1, allNumbers(), world, INPUTS),
    Error,
    words,
  );
  assert(error.cause instanceof BrokenProperty, `${error.cause}`);
  const command = error.message.split("\n").at(-1)!;
  const [, number] = /^deno task fuzz --seed 1 .* --input (\d+)$/.exec(
    command,
  )!;
  // That one input is enough to see it again.
  assertThrows(() => runStream(name, 1, [Number(number)], world), Error, words);
}

Deno.test("a decoder that throws something else is found out", () => {
  assertFound("threw RangeError", "mutations", {
    decode: (bytes) => {
      if (bytes.length > 1) new DataView(bytes.buffer, bytes.byteOffset, 2);
      else new DataView(bytes.buffer, bytes.buffer.byteLength + 1);
      return decode(bytes);
    },
  });
});

Deno.test("a decoder that allocates what a length claims is found out", () => {
  for (
    const take of [(n: number) => new Uint8Array(n), (n: number) => Array(n)]
  ) {
    assertFound("allocated", "mutations", {
      decode: (bytes) => {
        const claimed = bytes.length > 3 ? bytes[1]! << 8 | bytes[2]! : 0;
        take(claimed);
        return decode(bytes);
      },
    });
  }
});

Deno.test("a decoder that reads on behind its input is found out", () => {
  assertFound("second spelling", "mutations", {
    decode: (bytes) => {
      try {
        return decode(bytes);
      } catch (error) {
        if (!/cut off/.test(`${error}`)) throw error;
        const from = bytes.byteOffset;
        const more = new Uint8Array(bytes.buffer, from, bytes.length + 1);
        return decode(more as Bytes);
      }
    },
  });
});

Deno.test("a decoder that ignores what is left over is found out", () => {
  assertFound("second spelling", "mutations", {
    decode: (bytes) => {
      for (let end = bytes.length; end > bytes.length - 4; end--) {
        try {
          return decode(bytes.subarray(0, Math.max(end, 0)));
        } catch { /* One byte less may do. */ }
      }
      return decode(bytes);
    },
  });
});

Deno.test("a decoder that loses a field is found out", () => {
  assertFound("second spelling", "messages", {
    decode: (bytes) => {
      const message = decode(bytes);
      if (message.type !== "watching") return message;
      return { ...message, status: WatchStatus.overloaded } as Message;
    },
  });
});

Deno.test("a decoder whose work grows with the square is found out", () => {
  assertFound("steps", "messages", {
    decode: (bytes) => {
      for (let end = 1; end < Math.min(bytes.length, 200); end++) {
        try {
          decode(bytes.subarray(0, end));
        } catch { /* Cut off. */ }
      }
      return decode(bytes);
    },
  });
});

Deno.test("a framer that makes room for what a size claims is found out", () => {
  assertFound("allocated", "frames", {
    inbox: () => {
      const inbox = new Inbox();
      return {
        take: (frame) => {
          if (frame.length > 0 && frame[0]! > 127) new Uint8Array(16_384);
          return inbox.take(frame);
        },
      };
    },
  });
});

Deno.test("a framer that keeps all that came is found out", () => {
  assertFound("allocated", "frames", {
    inbox: () => {
      const inbox = new Inbox();
      let all: Bytes = new Uint8Array(0);
      return {
        take: (frame) => {
          all = concatBytes([all, frame]);
          return inbox.take(frame);
        },
      };
    },
  });
});

Deno.test("a decoder that adds a field of its own is found out", () => {
  assertFound("did not come back", "messages", {
    decode: (bytes) => ({ ...decode(bytes), at: 0 }),
  });
});
