import type { Channel } from "../../src/transport/channel.ts";

/** A channel and what happened to it. */
export interface Recorder {
  readonly channel: Channel;
  readonly frames: Uint8Array[];
  readonly opened: Promise<void>;
  readonly drained: Promise<void>;
  readonly closed: Promise<[code: number, reason: string]>;
  /** Sends a frame, with what the channel wants before it. */
  send(frame: Uint8Array): void;
  /** Resolves once so many frames are there. */
  received(count: number): Promise<void>;
}

export function record(channel: Channel): Recorder {
  const frames: Uint8Array[] = [];
  const opened = Promise.withResolvers<void>();
  const drained = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<[number, string]>();
  const waiting: { count: number; resolve: () => void }[] = [];
  const check = () => {
    for (const { count, resolve } of waiting) {
      if (frames.length >= count) resolve();
    }
  };
  channel.start({
    onOpen: opened.resolve,
    onFrame: (frame) => {
      frames.push(frame);
      check();
    },
    onDrain: drained.resolve,
    onClose: (code, reason) => closed.resolve([code, reason]),
  });
  return {
    channel,
    send: (frame) => {
      const spared = new Uint8Array(channel.spareBytes + frame.length);
      spared.set(frame, channel.spareBytes);
      channel.send(spared);
    },
    frames,
    opened: opened.promise,
    drained: drained.promise,
    closed: closed.promise,
    received: (count) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ count, resolve });
      check();
      return promise;
    },
  };
}
