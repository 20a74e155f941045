import { Duplex } from "node:stream";
import { writeAll } from "../util/write_all.ts";
import type { Channel } from "./channel.ts";
import { ReadBuffer } from "./read_buffer.ts";

/** What was decrypted and not taken yet, from which on nothing more is read, bytes. */
const WAITING_BYTES = 16 * 1024;

/**
 * A connection of the runtime as a stream of Node, on which TLS can be spoken.
 *
 * Node's TLS over such a stream never stops reading: what nobody takes would pile
 * up in memory for as long as the other side sends. So this stream reads no more
 * than is wanted.
 */
export class ConnectionStream extends Duplex {
  readonly #channel: Channel;
  readonly #buffer = new ReadBuffer();
  #wanted: () => boolean = () => true;
  #paused = false;

  /** Of `channel`, which it closes at its end. */
  constructor(channel: Channel) {
    // Half a connection may be closed: the other half decides by itself.
    super({ allowHalfOpen: true });
    this.#channel = channel;
  }

  /** From now on, reads if `wanted` says so; what was not wanted is read by {@linkcode readOn}. */
  readIf(wanted: () => boolean): void {
    this.#wanted = wanted;
  }

  /** Something was taken: perhaps more is wanted. */
  readOn(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this._read();
  }

  override _read(): void {
    if (!this.#wanted()) {
      this.#paused = true;
      return;
    }
    this.#channel.read(this.#buffer.room).then(
      // A copy: the stream may keep it beyond the next read.
      (count) =>
        void this.push(
          count === null ? null : this.#buffer.filled(count).slice(),
        ),
      (error) => void this.destroy(error),
    );
  }

  override _write(
    chunk: Uint8Array,
    _encoding: string,
    done: (error?: Error | null) => void,
  ): void {
    writeAll(this.#channel, chunk).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#channel.closeWrite().then(() => done(), done);
  }

  override _destroy(
    error: Error | null,
    done: (error?: Error | null) => void,
  ): void {
    try {
      this.#channel.close();
    } catch {
      // It was closed already.
    }
    done(error);
  }
}

/** A stream broke off, or was ended by this side. */
export class BrokenStreamError extends Error {
  override readonly name = "BrokenStreamError";
  /** As errors of the system's connections have one. */
  readonly code = "ECONNABORTED";
}

function ended(): BrokenStreamError {
  return new BrokenStreamError("the connection was closed");
}

/** TLS over a {@linkcode ConnectionStream}, as the runtime's connections are. */
export class DuplexChannel implements Channel {
  readonly #stream: Duplex;
  readonly #below: ConnectionStream;
  #rest: Uint8Array | null = null;
  #error: Error | null = null;
  #ended = false;
  #wake: () => void = () => {};

  /** Reads `stream`, which speaks TLS over `below`, from now on. */
  constructor(stream: Duplex, below: ConnectionStream) {
    this.#stream = stream;
    this.#below = below;
    below.readIf(() => stream.readableLength < WAITING_BYTES);
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
      this.#error ??= ended();
      wake();
    });
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const chunk = this.#rest ?? this.#take();
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

  #take(): Uint8Array | null {
    const chunk = this.#stream.read() as Uint8Array | null;
    this.#below.readOn();
    return chunk;
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#stream.write(bytes, (error) => {
        if (error) {
          reject(new BrokenStreamError(error.message, { cause: error }));
          // TLS takes what nobody will get, and says nothing.
        } else if (this.#below.destroyed) reject(ended());
        else resolve(bytes.length);
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
