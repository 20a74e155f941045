import type { Configuration, LogId, MemberId, Term } from "../raft/types.ts";
import type { SnapshotSink, StateMachine } from "../state/port.ts";
import type { SnapshotAck, SnapshotChunk } from "./messages.ts";

/** What the receiver needs from its group. */
export interface SnapshotReceiverPorts {
  readonly machine: StateMachine;
  readonly self: MemberId;
  /** The core's term. */
  term(): Term;
  /** Whether a complete snapshot is about to be installed. */
  installing(): boolean;
  send(ack: SnapshotAck): void;
  /** A snapshot is complete, verified and durable, not yet installed. */
  received(
    from: MemberId,
    term: Term,
    last: LogId,
    config: Configuration,
  ): void;
  /** The receiving side could not write. */
  failed(error: Error): void;
}

interface Incoming {
  readonly last: LogId;
  readonly sha256: string;
  readonly size: number;
  readonly queue: SnapshotChunk[];
  sink: SnapshotSink | null;
  busy: boolean;
  complete: boolean;
}

/** Chunks that may wait for the disk; the sender's window is smaller. */
const QUEUE_CHUNKS = 16;

/** Takes in one snapshot at a time; a chunk of another one starts anew. */
export class SnapshotReceiver {
  readonly #ports: SnapshotReceiverPorts;
  #incoming: Incoming | null = null;

  /** Writes to `ports.machine`. */
  constructor(ports: SnapshotReceiverPorts) {
    this.#ports = ports;
  }

  /** Whether a snapshot comes in, or waits to be installed. */
  get active(): boolean {
    return this.#incoming !== null;
  }

  /** A chunk from the leader. */
  chunk(chunk: SnapshotChunk): void {
    if (chunk.term < this.#ports.term()) return this.#ack(chunk, 0, "failed");
    const incoming = this.#incoming;
    if (incoming === null || !same(incoming, chunk)) {
      // Another snapshot would replace the one that is about to be installed.
      if (this.#ports.installing()) return this.#ack(chunk, 0, "failed");
      return this.#open(chunk);
    }
    if (!incoming.busy) this.#take(incoming, chunk);
    // Making the whole snapshot durable may take long: the sender must not give up.
    else if (isWhole(incoming)) this.#ack(chunk, incoming.size, "more");
    else if (incoming.queue.length < QUEUE_CHUNKS) incoming.queue.push(chunk);
  }

  /** The received snapshot was installed, or made obsolete. */
  forget(): void {
    const incoming = this.#incoming;
    this.#incoming = null;
    if (incoming?.sink && !incoming.complete) incoming.sink.abort();
  }

  #take(incoming: Incoming, chunk: SnapshotChunk): void {
    if (incoming.complete) return this.#announce(chunk);
    const sink = incoming.sink!;
    if (chunk.offset !== sink.offset) {
      return this.#ack(chunk, sink.offset, "more");
    }
    incoming.busy = true;
    sink.write(chunk.bytes, (error) => {
      if (!this.#step(incoming, chunk, error)) return;
      if (isWhole(incoming)) {
        return this.#finish(incoming, sink, chunk);
      }
      this.#ack(chunk, sink.offset, "more");
      this.#drain(incoming);
    });
  }

  #drain(incoming: Incoming): void {
    while (!incoming.busy && this.#incoming === incoming) {
      const chunk = incoming.queue.shift();
      if (chunk === undefined) return;
      this.#take(incoming, chunk);
    }
  }

  #open(chunk: SnapshotChunk): void {
    this.forget();
    const { last, sha256, size } = chunk;
    const incoming: Incoming = {
      last,
      sha256,
      size,
      queue: [chunk],
      sink: null,
      busy: true,
      complete: false,
    };
    this.#incoming = incoming;
    this.#ports.machine.receive(last, (error, sink) => {
      if (!this.#step(incoming, chunk, error)) return sink?.abort();
      incoming.sink = sink;
      this.#drain(incoming);
    });
  }

  #finish(incoming: Incoming, sink: SnapshotSink, chunk: SnapshotChunk): void {
    incoming.busy = true;
    incoming.queue.length = 0;
    sink.finish(incoming, (error) => {
      if (!this.#step(incoming, chunk, error)) return;
      incoming.complete = true;
      this.#announce(chunk);
    });
  }

  /** An asynchronous step ended; false if it failed or the snapshot was given up meanwhile. */
  #step(
    incoming: Incoming,
    chunk: SnapshotChunk,
    error: Error | null,
  ): boolean {
    incoming.busy = false;
    if (this.#incoming !== incoming) return false;
    if (error === null) return true;
    this.#incoming = null;
    this.#ack(chunk, 0, "failed");
    this.#ports.failed(error);
    return false;
  }

  #announce(chunk: SnapshotChunk): void {
    this.#ack(chunk, chunk.size, "done");
    this.#ports.received(chunk.from, chunk.term, chunk.last, chunk.config);
  }

  #ack(
    chunk: SnapshotChunk,
    offset: number,
    state: SnapshotAck["state"],
  ): void {
    this.#ports.send({
      type: "snapshotAck",
      from: this.#ports.self,
      to: chunk.from,
      term: this.#ports.term(),
      last: chunk.last,
      offset,
      state,
    });
  }
}

function isWhole({ sink, size }: Incoming): boolean {
  return sink !== null && sink.offset >= size;
}

function same(incoming: Incoming, chunk: SnapshotChunk): boolean {
  return incoming.last.index === chunk.last.index &&
    incoming.last.term === chunk.last.term &&
    incoming.sha256 === chunk.sha256 && incoming.size === chunk.size;
}
