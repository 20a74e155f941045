import {
  type LogId,
  type LogIndex,
  type MemberId,
  type Term,
  ZERO_LOG_ID,
} from "../raft/types.ts";
import type { Snapshot } from "../state/port.ts";
import type { SnapshotAck, SnapshotChunk } from "./messages.ts";
import type { SnapshotLease, SnapshotService } from "./snapshot_service.ts";

const CHUNK_BYTES = 256 * 1024;
/** Chunks in flight before the receiver must acknowledge. */
const WINDOW = 8;
/** Ticks without an acknowledgement before the stream goes back to the last acknowledged byte. */
const RESEND_TICKS = 20;
/** Resends without any progress before the stream is given up. */
const RESENDS_MAX = 6;

/** What the sender needs from its group. */
export interface SnapshotSenderPorts {
  readonly snapshots: SnapshotService;
  readonly self: MemberId;
  send(chunk: SnapshotChunk): void;
  /** A stream ended; `last` is what it was to cover. */
  sent(to: MemberId, last: LogId, ok: boolean): void;
  /** A snapshot could not be read. */
  failed(error: Error): void;
}

interface Stream {
  readonly to: MemberId;
  readonly term: Term;
  snapshot: Snapshot | null;
  lease: SnapshotLease | null;
  acked: number;
  next: number;
  quietTicks: number;
  resends: number;
  reading: boolean;
}

/** Streams snapshots to members that are behind the log. */
export class SnapshotSender {
  readonly #ports: SnapshotSenderPorts;
  readonly #streams = new Map<MemberId, Stream>();
  /** Streams what `ports.snapshots` lends. */
  constructor(ports: SnapshotSenderPorts) {
    this.#ports = ports;
  }

  /** Whether anybody is sent a snapshot, or waits for one. */
  get active(): boolean {
    return this.#streams.size > 0;
  }

  /** Starts a stream; an older one to the same member is replaced. */
  start(to: MemberId, term: Term, atLeast: LogIndex): void {
    const stream: Stream = {
      to,
      term,
      snapshot: null,
      lease: null,
      acked: 0,
      next: 0,
      quietTicks: 0,
      resends: 0,
      reading: false,
    };
    const older = this.#streams.get(to);
    this.#streams.set(to, stream);
    stream.lease = this.#ports.snapshots.use(atLeast, (_error, snapshot) => {
      if (this.#streams.get(to) !== stream) return;
      stream.snapshot = snapshot;
      if (snapshot !== null) this.#pump(stream);
      // The core asks again later.
      else this.#end(stream, false);
    });
    // Not before, so that the older one's snapshot can serve this one.
    older?.lease?.release();
    if (this.#streams.get(to) !== stream) stream.lease.release();
  }

  /** Ends all streams (leadership was lost). */
  stop(): void {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const { lease } of streams) lease?.release();
  }

  /** Ends the stream to a member whose link broke. */
  unreachable(to: MemberId): void {
    const stream = this.#streams.get(to);
    if (stream?.snapshot) this.#end(stream, false);
  }

  /** The receiver's acknowledgement. */
  acknowledged(ack: SnapshotAck): void {
    const stream = this.#streams.get(ack.from);
    const snapshot = stream?.snapshot;
    if (!stream || !snapshot || snapshot.last.index !== ack.last.index) return;
    if (ack.state !== "more") return this.#end(stream, ack.state === "done");
    stream.quietTicks = 0;
    if (ack.offset > stream.acked || ack.offset === snapshot.size) {
      stream.acked = ack.offset;
      stream.resends = 0;
    }
    // The receiver already has more (a resumed stream), or lost what was sent.
    if (ack.offset > stream.next) stream.next = ack.offset;
    this.#pump(stream);
  }

  /** Counts time for resends. */
  tick(): void {
    for (const stream of this.#streams.values()) {
      if (stream.snapshot === null || stream.reading) continue;
      if (++stream.quietTicks < RESEND_TICKS) continue;
      stream.quietTicks = 0;
      // If everything is acknowledged, resend the last byte to prompt the final answer.
      stream.next = Math.min(
        stream.acked,
        Math.max(0, stream.snapshot.size - 1),
      );
      if (++stream.resends > RESENDS_MAX) this.#end(stream, false);
      else this.#pump(stream);
    }
  }

  #pump(stream: Stream): void {
    const { snapshot } = stream;
    if (snapshot === null || stream.reading) return;
    const limit = Math.min(
      snapshot.size,
      stream.acked + WINDOW * CHUNK_BYTES,
    );
    if (stream.next >= limit && stream.next > 0) return;
    stream.reading = true;
    const offset = stream.next;
    snapshot.read(offset, CHUNK_BYTES, (error, bytes) => {
      stream.reading = false;
      if (this.#streams.get(stream.to) !== stream) return;
      if (error !== null) {
        this.#ports.failed(error);
        return this.#end(stream, false);
      }
      // An acknowledgement may have moved `next` while the disk was read.
      if (stream.next === offset) {
        stream.next = offset + bytes.length;
        this.#send(stream, snapshot, offset, bytes);
      }
      this.#pump(stream);
    });
  }

  #send(
    stream: Stream,
    snapshot: Snapshot,
    offset: number,
    bytes: Uint8Array,
  ): void {
    this.#ports.send({
      type: "snapshotChunk",
      from: this.#ports.self,
      to: stream.to,
      term: stream.term,
      last: snapshot.last,
      config: snapshot.config,
      size: snapshot.size,
      sha256: snapshot.sha256,
      offset,
      bytes,
    });
  }

  #end(stream: Stream, ok: boolean): void {
    this.#streams.delete(stream.to);
    this.#ports.sent(stream.to, stream.snapshot?.last ?? ZERO_LOG_ID, ok);
    stream.lease?.release();
  }
}
