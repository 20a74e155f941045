import { Duplex } from "node:stream";
import { writeAll } from "../util/write_all.ts";
import type { Channel } from "./channel.ts";

/** Bytes that are read at once. */
const READ_BYTES = 16 * 1024;

/** A connection of the runtime as a stream of Node, on which TLS can be spoken. */
export function duplexOf(channel: Channel): Duplex {
  return new Duplex({
    // Half a connection may be closed: the other half decides by itself.
    allowHalfOpen: true,
    read() {
      const into = new Uint8Array(READ_BYTES);
      channel.read(into).then(
        (count) =>
          void this.push(count === null ? null : into.subarray(0, count)),
        (error) => void this.destroy(error),
      );
    },
    write(chunk: Uint8Array, _encoding, done) {
      writeAll(channel, chunk).then(() => done(), done);
    },
    final(done) {
      channel.closeWrite().then(() => done(), done);
    },
    destroy(error, done) {
      channel.close();
      done(error);
    },
  });
}

/** A stream broke off, or was ended by this side. */
export class BrokenStreamError extends Error {
  override readonly name = "BrokenStreamError";
  /** As errors of the system's connections have one. */
  readonly code = "ECONNABORTED";
}

/** A stream of Node, such as a TLS socket, as the runtime's connections are. */
export class DuplexChannel implements Channel {
  readonly #stream: Duplex;
  #rest: Uint8Array | null = null;
  #error: Error | null = null;
  #ended = false;
  #wake: () => void = () => {};

  /** Reads `stream` from now on. */
  constructor(stream: Duplex) {
    this.#stream = stream;
    const wake = (): void => this.#wake();
    stream.on("readable", wake);
    stream.on("end", () => {
      this.#ended = true;
      wake();
    });
    stream.on("error", (error: Error) => {
      this.#error = new BrokenStreamError(error.message, { cause: error });
      wake();
    });
    stream.on("close", () => {
      this.#error ??= new BrokenStreamError("the connection was closed");
      wake();
    });
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const chunk = this.#rest ?? this.#stream.read() as Uint8Array | null;
      if (chunk !== null) {
        const count = Math.min(chunk.length, into.length);
        into.set(chunk.subarray(0, count));
        this.#rest = count < chunk.length ? chunk.subarray(count) : null;
        return count;
      }
      if (this.#ended) return null;
      if (this.#error !== null) throw this.#error;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#stream.write(bytes, (error) => {
        if (error) {
          reject(new BrokenStreamError(error.message, { cause: error }));
        } else resolve(bytes.length);
      });
    });
  }

  closeWrite(): Promise<void> {
    return new Promise((resolve) => this.#stream.end(resolve));
  }

  close(): void {
    this.#stream.destroy();
  }
}
