import { MalformedBytesError } from "../util/bytes.ts";

/** What a text frame on a link says; binary frames are messages or pieces of one. */
export const KEEPALIVE = "k";

/** Announces that the next binary frames are pieces of one message of `bytes` bytes. */
export function announce(bytes: number): string {
  return `m${bytes}`;
}

/** Cuts a message into views of at most `pieceBytes`. */
export function* cut(
  message: Uint8Array,
  pieceBytes: number,
): Generator<Uint8Array> {
  for (let at = 0; at < message.length; at += pieceBytes) {
    yield message.subarray(at, at + pieceBytes);
  }
}

/** Puts the messages of one socket together again. */
export class Assembly {
  readonly #messageBytes: number;
  #expected = 0;
  #received = 0;
  #pieces: Uint8Array[] = [];

  /** Refuses messages above `messageBytes`. */
  constructor(messageBytes: number) {
    this.#messageBytes = messageBytes;
  }

  /**
   * Takes a text frame.
   * @throws {MalformedBytesError} for one that makes no sense here.
   */
  text(text: string): void {
    if (text === KEEPALIVE) return;
    if (!/^m[1-9][0-9]{0,9}$/.test(text)) {
      throw new MalformedBytesError(`unknown link word of ${text.length}`);
    }
    if (this.#expected > 0) {
      throw new MalformedBytesError("a message inside another");
    }
    const expected = Number(text.slice(1));
    if (expected > this.#messageBytes) {
      throw new MalformedBytesError(
        `a message has at most ${this.#messageBytes} bytes, announced ${expected}`,
      );
    }
    this.#expected = expected;
  }

  /**
   * Takes a binary frame; returns the message that it completes, if any.
   * @throws {MalformedBytesError} if it does not fit.
   */
  binary(bytes: Uint8Array): Uint8Array | null {
    if (this.#expected === 0) {
      if (bytes.length <= this.#messageBytes) return bytes;
      throw new MalformedBytesError(
        `a message has at most ${this.#messageBytes} bytes, found ${bytes.length}`,
      );
    }
    this.#received += bytes.length;
    if (bytes.length === 0 || this.#received > this.#expected) {
      throw new MalformedBytesError("a piece that does not fit its message");
    }
    // Memory follows what has really arrived, not what was announced.
    this.#pieces.push(bytes);
    return this.#received === this.#expected ? this.#join() : null;
  }

  #join(): Uint8Array {
    const message = new Uint8Array(this.#expected);
    let at = 0;
    for (const piece of this.#pieces) {
      message.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [];
    this.#expected = 0;
    this.#received = 0;
    return message;
  }
}
