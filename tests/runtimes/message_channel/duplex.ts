import type { Duplex } from "@chord/dict";

/** A port of a MessageChannel as a duplex; each side asks for what it can take. */
export function duplexOf(port: MessagePort): Duplex {
  let asked = Promise.withResolvers<void>();
  const readable = new ReadableStream<Uint8Array>({
    start: (controller) => {
      port.onmessage = ({ data }) => {
        if (data === "more") return asked.resolve();
        if (data !== "end") return controller.enqueue(data);
        controller.close();
        port.close();
      };
    },
    pull: () => port.postMessage("more"),
    cancel: () => {
      port.onmessage = null; // What is on its way comes too late.
      port.close();
    },
  });
  const writable = new WritableStream<Uint8Array>({
    write: async (frame) => {
      await asked.promise;
      asked = Promise.withResolvers<void>();
      port.postMessage(frame);
    },
    close: () => port.postMessage("end"),
    abort: () => port.close(),
  }, new ByteLengthQueuingStrategy({ highWaterMark: 65_536 }));
  return { readable, writable };
}
