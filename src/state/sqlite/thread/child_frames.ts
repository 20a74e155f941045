import { readSync, writeSync } from "node:fs";
import { answerTo, errorAnswer, type Served } from "./answers.ts";
import { framed, LENGTH_BYTES, lengthIn } from "./frame.ts";
import type { SchemaChanges } from "./schema_epoch.ts";

const STDIN = 0;
const STDOUT = 1;

/** A frame of this one byte: the schema's change is about to be committed; the member answers with the same. */
export const SCHEMA_NOTICE = 255;

/** A frame of this byte and a place (32 bits, little-endian): what runs of the present request. */
export const PROGRESS_NOTICE = 254;
/** Bytes of such a frame. */
export const PROGRESS_BYTES = 5;

const NOTICE = new Uint8Array([SCHEMA_NOTICE]);

/** The end of a channel to a member in its child process, which does nothing else: blocks. */
export class ChildEnd implements SchemaChanges {
  readonly #early: Uint8Array[] = [];
  readonly #header = new Uint8Array(LENGTH_BYTES);

  /** Waits for the next request; null when the member is gone. */
  receive(): Uint8Array<ArrayBufferLike> | null {
    return this.#early.shift() ?? this.#read();
  }

  /** Sends an answer. */
  send(answer: Uint8Array): void {
    const frame = framed(answer);
    let written = 0;
    while (written < frame.length) {
      written += writeSync(STDOUT, frame, written, frame.length - written);
    }
  }

  /** Says why requests cannot be served. */
  fail(error: unknown): void {
    this.send(errorAnswer(error));
  }

  /** Tells how far the present request is. */
  progress(at: number): void {
    const frame = new Uint8Array(PROGRESS_BYTES);
    frame[0] = PROGRESS_NOTICE;
    new DataView(frame.buffer).setUint32(1, at, true);
    this.send(frame);
  }

  /** Waits until the member's readers know that the schema is changing. */
  beginChange(): void {
    this.send(NOTICE);
    for (;;) {
      const frame = this.#read();
      // Nobody is left to whom it could matter.
      if (frame === null) return;
      if (frame.length === 1 && frame[0] === SCHEMA_NOTICE) return;
      this.#early.push(frame);
    }
  }

  /** The answer says it. */
  endChange(): void {}

  #read(): Uint8Array | null {
    if (!readFully(this.#header)) return null;
    const frame = new Uint8Array(lengthIn(this.#header));
    return readFully(frame) ? frame : null;
  }
}

function readFully(into: Uint8Array): boolean {
  let filled = 0;
  while (filled < into.length) {
    const count = readSync(STDIN, into, filled, into.length - filled, null);
    if (count === 0) return false;
    filled += count;
  }
  return true;
}

/** Answers requests until the member is gone. */
export function serveMember(end: ChildEnd, served: Served): void {
  end.send(served.opened.finish());
  for (;;) {
    const request = end.receive();
    // An empty one asks for the end.
    if (request === null || request.length === 0) break;
    end.send(answerTo(served, request));
    served.idle?.();
  }
  served.close();
}
