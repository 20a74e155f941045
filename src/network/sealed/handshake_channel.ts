import { MalformedBytesError } from "../../util/bytes.ts";
import { writeAll } from "../../util/write_all.ts";
import { HANDSHAKE_BYTES_MAX } from "./handshake.ts";
import { RecordReader } from "./record_reader.ts";
import { RECORD_LENGTH_BYTES } from "./seal.ts";

/** What a channel holds at most, bytes: all that a stranger can make a member keep. */
const BUFFER_BYTES = 4096;

/** Messages of a handshake on a connection, each behind its length. */
export class HandshakeChannel {
  readonly #connection: Pick<Deno.Conn, "read" | "write">;
  readonly #reader: RecordReader;

  /** `first` has arrived already. */
  constructor(
    connection: Pick<Deno.Conn, "read" | "write">,
    first: Uint8Array,
  ) {
    this.#connection = connection;
    this.#reader = new RecordReader(BUFFER_BYTES, HANDSHAKE_BYTES_MAX, first);
  }

  /** What arrived behind the last message that was received. */
  get rest(): Uint8Array {
    return this.#reader.rest;
  }

  /**
   * The next message; null if the connection ended.
   * @throws {MalformedBytesError} if it is longer than any of a handshake.
   */
  async receive(): Promise<Uint8Array | null> {
    for (;;) {
      const message = this.#reader.next();
      if (message !== null) return message.slice();
      const count = await this.#connection.read(this.#reader.room());
      if (count === null) return null;
      this.#reader.filled(count);
    }
  }

  /** Sends a message. */
  async send(message: Uint8Array): Promise<void> {
    if (message.length > HANDSHAKE_BYTES_MAX) {
      throw new MalformedBytesError(
        `a handshake message has at most ${HANDSHAKE_BYTES_MAX} bytes, this one ${message.length}`,
      );
    }
    const bytes = new Uint8Array(RECORD_LENGTH_BYTES + message.length);
    new DataView(bytes.buffer).setUint32(0, message.length, true);
    bytes.set(message, RECORD_LENGTH_BYTES);
    await writeAll(this.#connection, bytes);
  }
}
