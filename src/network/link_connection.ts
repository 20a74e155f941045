import { nodeIdOf } from "../raft/types.ts";
import { MalformedBytesError, NO_BYTES } from "../util/bytes.ts";
import type {
  LinkContext,
  LinkLimits,
  OpenConnection,
} from "./link_options.ts";
import type { Wire } from "./port.ts";
import type { Proven } from "./sealed/handshake.ts";
import { MessageAssembly, MessageQueue } from "./sealed/messages.ts";
import { RecordReader } from "./sealed/record_reader.ts";
import { BrokenSealError, Opener, Sealer } from "./sealed/seal.ts";
import { type Sodium, TAG_BYTES } from "./sealed/sodium.ts";
import { writeAll } from "../util/write_all.ts";

/** Bytes that are read at once, if there are so many. */
const READ_BYTES = 64 * 1024;

/** What a {@linkcode LinkConnection} tells its owner. */
export interface LinkConnectionEvents {
  /** A whole message. */
  message(bytes: Uint8Array): void;
  /** The connection broke; the last event, and none after `close`. */
  lost(reason: string): void;
}

/** A connection whose peer has proven itself. */
export interface ProvenConnection {
  readonly connection: Wire;
  readonly proven: Proven;
  /** What seals what is short. */
  readonly sodium: Sodium;
  /** What arrived behind the handshake. */
  readonly rest: Uint8Array;
}

/**
 * One sealed connection of a link: messages in records, keepalives (records with
 * nothing in them), and the detection of a connection on which nothing arrives any
 * more though nobody closed it.
 *
 * Messages that come up in one go share a record, its cipher calls and its write.
 */
export class LinkConnection implements OpenConnection {
  /** Settles when nothing is read from it any more. */
  readonly gone: Promise<void>;
  readonly #connection: Wire;
  readonly #context: LinkContext;
  readonly #limits: LinkLimits;
  readonly #events: LinkConnectionEvents;
  readonly #node: number;
  readonly #sealer: Sealer;
  readonly #opener: Opener;
  readonly #queue: MessageQueue;
  readonly #reader: RecordReader;
  readonly #assembly: MessageAssembly;
  readonly #settleGone: () => void;
  #keepaliveDue = false;
  #writing = false;
  /** No more events. */
  #ended = false;
  #shut = false;
  #endedAt = 0;
  #heardAt: number;
  #spokeAt: number;
  #heard = false;
  #spoke = false;

  /** Owns the connection from now on; call {@linkcode start} once the owner is ready for events. */
  constructor(
    { connection, proven, sodium, rest }: ProvenConnection,
    context: LinkContext,
    events: LinkConnectionEvents,
  ) {
    const { limits, clock } = context;
    this.#connection = connection;
    this.#context = context;
    this.#limits = limits;
    this.#events = events;
    this.#node = nodeIdOf(proven.peer.id);
    this.#sealer = new Sealer(proven.keys.send, sodium);
    this.#opener = new Opener(proven.keys.receive, sodium);
    this.#queue = new MessageQueue(limits.recordBytes);
    const recordBytes = limits.recordBytes + TAG_BYTES;
    this.#reader = new RecordReader(READ_BYTES, recordBytes, rest);
    this.#assembly = new MessageAssembly(limits.messageBytes);
    this.#heardAt = this.#spokeAt = clock.monotonic();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    this.#settleGone = resolve;
    context.connections.add(this);
  }

  /** Bytes of messages that the operating system has not taken. */
  get queued(): number {
    return this.#ended ? 0 : this.#queue.payload;
  }

  /** Begins to read. */
  start(): void {
    void this.#read();
  }

  /** Queues a message; the sender may use its bytes again. */
  send(message: Uint8Array): void {
    if (this.#ended) return;
    this.#spoke = true;
    this.#queue.add(message);
    this.#writeSoon();
  }

  /**
   * Looks at the clock: says something after a silence of its own, gives up
   * after one of the peer. `stalled` means that this process itself did not
   * run, so the peer's silence proves nothing.
   */
  tick(now: number, stalled: boolean): void {
    const { deadMs, keepaliveMs } = this.#limits;
    if (this.#ended) {
      // What was queued does not leave.
      if (now - this.#endedAt >= deadMs) this.abort();
      return;
    }
    if (this.#heard || stalled) this.#heardAt = now;
    if (this.#spoke) this.#spokeAt = now;
    this.#heard = false;
    this.#spoke = false;
    if (now - this.#heardAt >= deadMs) {
      this.fail(`silent for ${deadMs} ms`);
    } else if (now - this.#spokeAt >= keepaliveMs) {
      this.#spoke = true;
      this.#keepaliveDue = true;
      this.#writeSoon();
    }
  }

  /** Closes after what is queued; no more events. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#endedAt = this.#context.clock.monotonic();
    if (!this.#writing) this.abort();
  }

  /** Gives the connection up and reports the loss. */
  fail(reason: string): void {
    this.abort();
    this.#lose(reason);
  }

  /** Closes at once. */
  abort(): void {
    if (this.#shut) return;
    this.#shut = true;
    try {
      this.#connection.close();
    } catch {
      // The listener has closed it.
    }
  }

  #lose(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#events.lost(reason);
  }

  #writeSoon(): void {
    if (this.#writing) return;
    this.#writing = true;
    // What comes up in this turn shares a record.
    queueMicrotask(() => void this.#write());
  }

  async #write(): Promise<void> {
    try {
      for (;;) {
        const record = this.#queue.take();
        if (record === null && !this.#keepaliveDue) break;
        this.#keepaliveDue = false;
        const sealed = this.#sealer.seal(record?.writer.view() ?? NO_BYTES);
        await writeAll(this.#connection, sealed);
        if (record !== null) this.#queue.done(record);
      }
    } catch (error) {
      this.fail((error as Error).message);
    }
    this.#writing = false;
    if (this.#ended) this.abort();
  }

  async #read(): Promise<void> {
    try {
      do this.#takeRecords(); while (!this.#shut && await this.#readMore());
    } finally {
      this.#context.connections.delete(this);
      this.#settleGone();
    }
  }

  /** False at the end of the connection. */
  async #readMore(): Promise<boolean> {
    let reason = "closed by the peer";
    try {
      const count = await this.#connection.read(this.#reader.room());
      if (count !== null) {
        // After `close` what comes is thrown away, until what is queued has left.
        if (!this.#ended) this.#reader.filled(count);
        return true;
      }
    } catch (error) {
      reason = (error as Error).message;
    }
    this.fail(reason);
    return false;
  }

  /** What an owner throws is no fault of the peer's, and not caught here. */
  #takeRecords(): void {
    while (!this.#ended) {
      const messages = this.#nextMessages();
      if (messages === null) return;
      for (const message of messages) {
        this.#events.message(message);
        if (this.#ended) return;
      }
    }
  }

  /** What is in the next record; null if it is not there, or not the peer's. */
  #nextMessages(): Uint8Array[] | null {
    try {
      const record = this.#reader.next();
      if (record === null) return null;
      this.#heard = true;
      return this.#assembly.take(this.#opener.open(record));
    } catch (error) {
      this.#fall(error as Error);
      return null;
    }
  }

  /** Whatever is not what the peer sealed is worth a line: somebody is on the way, or a member is mad. */
  #fall(error: Error): void {
    const known = error instanceof BrokenSealError ||
      error instanceof MalformedBytesError;
    if (!known) throw error;
    this.#context.complain(
      `seal ${this.#node}`,
      "error",
      `the link with node ${this.#node} was broken, and is made anew: ${error.message}. Look for what stands between the two members`,
    );
    this.fail(error.message);
  }
}
