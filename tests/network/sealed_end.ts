import type { Proven } from "../../src/network/sealed/handshake.ts";
import {
  MessageAssembly,
  MessageQueue,
} from "../../src/network/sealed/messages.ts";
import { RecordReader } from "../../src/network/sealed/record_reader.ts";
import { Opener, Sealer } from "../../src/network/sealed/seal.ts";
import { loadSodium, TAG_BYTES } from "../../src/network/sealed/sodium.ts";
import { writeAll } from "../../src/util/write_all.ts";

/** What members put into a record at most. */
const RECORD_BYTES = 256 << 10;
const MESSAGE_BYTES = 48 << 20;
const SODIUM = await loadSodium();

/** One end of a sealed connection by hand, for tests: no clock, no rules about who may say what. */
export class SealedEnd {
  readonly connection: Deno.Conn;
  readonly #sealer: Sealer;
  readonly #opener: Opener;
  readonly #reader: RecordReader;
  readonly #queue = new MessageQueue(RECORD_BYTES);
  readonly #assembly = new MessageAssembly(MESSAGE_BYTES);

  constructor(connection: Deno.Conn, { keys }: Proven, rest: Uint8Array) {
    this.connection = connection;
    this.#sealer = new Sealer(keys.send, SODIUM);
    this.#opener = new Opener(keys.receive, SODIUM);
    const recordBytes = RECORD_BYTES + TAG_BYTES;
    this.#reader = new RecordReader(4096, recordBytes, rest);
  }

  /** Sends a message in records of its own. */
  async send(message: Uint8Array): Promise<void> {
    this.#queue.add(message);
    for (let record; (record = this.#queue.take()) !== null;) {
      await this.sendRecord(record.writer.view());
      this.#queue.done(record);
    }
  }

  /** Sends a record; one with nothing in it is a keepalive. */
  async sendRecord(contents: Uint8Array): Promise<void> {
    await writeAll(this.connection, this.#sealer.seal(contents));
  }

  /** The next record, with the messages that it completes; null at the end. */
  async next(): Promise<
    { readonly contents: Uint8Array; readonly messages: Uint8Array[] } | null
  > {
    for (;;) {
      const record = this.#reader.next();
      if (record !== null) {
        const contents = this.#opener.open(record);
        return { contents, messages: this.#assembly.take(contents) };
      }
      const count = await this.connection.read(this.#reader.room());
      if (count === null) return null;
      this.#reader.filled(count);
    }
  }
}
