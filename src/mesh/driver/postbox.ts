/**
 * The application's messages: written, read, handled, queued.
 *
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import { ChordError, ProtocolError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { type Id, randomId } from "../../id/id.ts";
import type { NodeDriver } from "../../node.ts";
import type { Letter } from "../../wire/messages.ts";
import { type CallOptions, checkSignal, checkTimeout } from "./options.ts";
import { Message, type MessageHandler, type Packet } from "./message.ts";
import { decodePacket, encodePackets, sizeOf } from "./packets.ts";
import { Received } from "./received.ts";
import type { MeshConnection } from "./views.ts";

/** What the postbox needs of its socket. */
export interface PostboxHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly driver: NodeDriver<never>;
  connection(id: Id): MeshConnection | undefined;
  /** A message waits that no handler took. */
  onMessage(): void;
  report(error: unknown): void;
}

/** What a socket sends and receives for its application. */
export class Postbox {
  readonly received: Received<Message> = new Received();
  readonly handlers: MessageHandler[] = [];
  readonly #host: PostboxHost;

  constructor(host: PostboxHost) {
    this.#host = host;
  }

  /** Sends to every node, or to every neighbour. */
  async send(
    packets: readonly Packet[],
    to: "all" | "neighbours",
  ): Promise<void> {
    const letter = this.#letter(packets, undefined);
    await this.#host.driver.call(
      { type: to === "all" ? "cast" : "tell", letter },
      { action: "send", writes: true, signal: undefined },
    );
  }

  /** Sends to one node; resolves once that node has said that it is there. */
  async #reply(
    to: Id,
    inReplyTo: Id,
    packets: readonly Packet[],
    options: CallOptions,
  ): Promise<void> {
    const letter = this.#letter(packets, inReplyTo);
    const timeoutMs = checkTimeout(options.timeoutMs);
    const signal = checkSignal(options.signal);
    await this.#host.driver.call(
      { type: "note", to, letter, timeoutMs },
      { action: "reply", writes: true, signal },
    );
  }

  #letter(packets: readonly Packet[], inReplyTo: Id | undefined): Letter {
    const { clock, random } = this.#host;
    return {
      id: randomId(random),
      time: clock.wallMs(),
      inReplyTo,
      packets: encodePackets(packets),
    };
  }

  /** Takes what another node sent. */
  onLetter(letter: Letter, sender: Id): void {
    const message = this.#read(letter, sender);
    if (message === undefined || this.#isHandled(message)) return;
    this.received.push(message, sizeOf(letter));
    this.#host.onMessage();
  }

  #read(letter: Letter, sender: Id): Message | undefined {
    try {
      const { id, time, inReplyTo } = letter;
      return new Message(
        { id, time, inReplyTo, sender },
        letter.packets.map(decodePacket),
        (packets, options) => {
          const replied = this.#reply(sender, id, packets, options);
          // Who asks and leaves must not end a process that did not wait.
          replied.catch((error) => {
            if (!(error instanceof ChordError)) this.#host.report(error);
          });
          return replied;
        },
      );
    } catch (cause) {
      const why = `a packet of it is not what it says it is`;
      this.#host.report(
        new ProtocolError(`Cannot read a message of ${sender}: ${why}`, {
          cause,
        }),
      );
      return undefined;
    }
  }

  #isHandled(message: Message): boolean {
    for (const handler of this.handlers) {
      try {
        const connection = this.#host.connection(message.sender);
        const result: unknown = handler(message, connection);
        if (result === true) return true;
        // Nobody waits for what an async handler brings, but for its failure.
        if (result instanceof Promise) {
          result.catch((error) => this.#host.report(error));
        }
      } catch (error) {
        this.#host.report(error);
      }
    }
    return false;
  }
}
