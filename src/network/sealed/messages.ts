import { ByteWriter, MalformedBytesError } from "../../util/bytes.ts";

/** Bytes of the length before a message. */
const LENGTH_BYTES = 4;

/** A record begins with room for so many bytes, or with the memory of a former one. */
const RECORD_ROOM_BYTES = 4096;

/** What goes into one record, as it grows. */
export interface RecordContents {
  /** Whole messages behind their lengths; or the next part of a long one. */
  readonly writer: ByteWriter;
  /** How much of it is messages, bytes. */
  payload: number;
}

/**
 * Messages that wait to be sent, copied, in the form of records: many short ones
 * share a record, a long one takes several, so that a slow line still shows progress.
 */
export class MessageQueue {
  readonly #recordBytes: number;
  readonly #records: RecordContents[] = [];
  #payload = 0;
  #spare: ByteWriter | null = null;

  /** Records hold at most `recordBytes`. */
  constructor(recordBytes: number) {
    this.#recordBytes = recordBytes;
  }

  /** Bytes of messages that were added and not {@linkcode done}. */
  get payload(): number {
    return this.#payload;
  }

  /** Whether nothing waits to be taken. */
  get empty(): boolean {
    return this.#records.length === 0;
  }

  /** Adds a message. */
  add(message: Uint8Array): void {
    const { length } = message;
    this.#payload += length;
    const size = LENGTH_BYTES + length;
    let record = this.#records.at(-1);
    if (
      record === undefined || record.writer.length + size > this.#recordBytes
    ) record = this.#begin(size);
    record.writer.u32(length);
    for (let at = 0;;) {
      const room = this.#recordBytes - record.writer.length;
      const part = message.subarray(at, at + room);
      record.writer.raw(part);
      record.payload += part.length;
      at += part.length;
      if (at >= length) return;
      record = this.#begin(length - at);
    }
  }

  /** Takes the contents of the next record, to be given to {@linkcode done}; null if nothing waits. */
  take(): RecordContents | null {
    return this.#records.shift() ?? null;
  }

  /** A record was handed on. */
  done({ payload, writer }: RecordContents): void {
    this.#payload -= payload;
    this.#spare = writer.reset(this.#recordBytes);
  }

  #begin(size: number): RecordContents {
    const bytes = Math.min(size, this.#recordBytes);
    const record = { writer: this.#writer(bytes), payload: 0 };
    this.#records.push(record);
    return record;
  }

  #writer(bytes: number): ByteWriter {
    const spare = this.#spare;
    this.#spare = null;
    return spare ?? new ByteWriter(Math.max(bytes, RECORD_ROOM_BYTES));
  }
}

/** Puts the messages of one direction together again. */
export class MessageAssembly {
  readonly #messageBytes: number;
  #expected = 0;
  #missing = 0;
  #pieces: Uint8Array[] = [];

  /** Refuses messages above `messageBytes`. */
  constructor(messageBytes: number) {
    this.#messageBytes = messageBytes;
  }

  /**
   * Takes the contents of a record; returns the messages that it completes, views into it if it holds them whole.
   * @throws {MalformedBytesError} for a length beyond the limit, or half of one.
   */
  take(contents: Uint8Array): Uint8Array[] {
    const view = new DataView(
      contents.buffer,
      contents.byteOffset,
      contents.length,
    );
    const messages: Uint8Array[] = [];
    for (let at = 0; at < contents.length;) {
      if (this.#missing === 0) {
        const length = this.#lengthAt(view, at);
        at += LENGTH_BYTES;
        if (at + length <= contents.length) {
          messages.push(contents.subarray(at, at + length));
          at += length;
          continue;
        }
        this.#expected = this.#missing = length;
      }
      const part = contents.subarray(at, at + this.#missing);
      // Memory follows what has really arrived, not what was announced.
      this.#pieces.push(part);
      this.#missing -= part.length;
      at += part.length;
      if (this.#missing === 0) messages.push(this.#join());
    }
    return messages;
  }

  #lengthAt(view: DataView, at: number): number {
    if (view.byteLength - at < LENGTH_BYTES) {
      throw new MalformedBytesError("half a length of a message");
    }
    const length = view.getUint32(at, true);
    if (length <= this.#messageBytes) return length;
    throw new MalformedBytesError(
      `a message has at most ${this.#messageBytes} bytes, announced ${length}`,
    );
  }

  #join(): Uint8Array {
    const message = new Uint8Array(this.#expected);
    let at = 0;
    for (const piece of this.#pieces) {
      message.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [];
    return message;
  }
}
