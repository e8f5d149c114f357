/**
 * What holders answer to one that reads.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import { Standing, type Terms, type Version } from "../wire/messages.ts";

/** What one holder has. */
export interface Copy {
  /** `undefined`: the holder never heard of the key. */
  readonly version: Version | undefined;
  /** `undefined`: no such key, or a tombstone. */
  readonly value: Bytes | undefined;
  readonly terms: Terms | undefined;
}

/** The same, and what it is worth. */
export interface Answer extends Copy {
  /** One of `Standing`. */
  readonly standing: number;
}

/** What one holder has answered. */
export interface Known {
  readonly from: Id;
  readonly answer: Answer;
}

/** A holder that was asked. */
export interface Asked {
  readonly id: Id;
  /** When it was asked, in turns of this read. */
  readonly askedAt: number;
  /** When it answered, likewise. */
  answeredAt: number;
  answer: Answer | undefined;
  hasFailed: boolean;
  /** When another holder is asked, too. */
  hedge: Timer | undefined;
}

/** Whether it may lack what others have. */
export function isNotReady({ standing }: Answer): boolean {
  return standing !== Standing.ready;
}

/** Whether it may still answer, or has. */
export function isOpen({ hasFailed }: Asked): boolean {
  return !hasFailed;
}
