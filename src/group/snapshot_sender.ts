import {
  type LogId,
  type LogIndex,
  type MemberId,
  type Term,
  ZERO_LOG_ID,
} from "../raft/types.ts";
import type { Snapshot, StateMachine } from "../state/port.ts";
import type { SnapshotAck, SnapshotChunk } from "./messages.ts";

const CHUNK_BYTES = 256 * 1024;
/** Chunks in flight before the receiver must acknowledge. */
const WINDOW = 8;
/** Ticks without an acknowledgement before the stream goes back to the last acknowledged byte. */
const RESEND_TICKS = 20;
/** Resends without any progress before the stream is given up. */
const RESENDS_MAX = 6;

/** What the sender needs from its group. */
export interface SnapshotSenderPorts {
  readonly machine: StateMachine;
  readonly self: MemberId;
  send(chunk: SnapshotChunk): void;
  /** A stream ended; `last` is what it was to cover. */
  sent(to: MemberId, last: LogId, ok: boolean): void;
  /** A snapshot could not be built. */
  failed(error: Error): void;
}

interface Stream {
  readonly to: MemberId;
  readonly term: Term;
  readonly atLeast: LogIndex;
  snapshot: Snapshot | null;
  acked: number;
  next: number;
  quietTicks: number;
  resends: number;
  reading: boolean;
}

/** Streams snapshots to members that are behind the log. One snapshot serves every member that needs one at the time. */
export class SnapshotSender {
  readonly #ports: SnapshotSenderPorts;
  readonly #streams = new Map<MemberId, Stream>();
  #current: Snapshot | null = null;
  #building = false;
  /** The applied index when building began. */
  #buildingFrom: LogIndex = 0;

  /** Builds snapshots of `ports.machine`. */
  constructor(ports: SnapshotSenderPorts) {
    this.#ports = ports;
  }

  /** Whether a snapshot is being built or streamed. */
  get active(): boolean {
    return this.#building || this.#streams.size > 0;
  }

  /** Where the oldest snapshot ends that is being built or streamed. */
  get oldest(): LogIndex | null {
    let oldest = this.#building ? this.#buildingFrom : null;
    for (const { snapshot } of this.#streams.values()) {
      const end = snapshot?.last.index ?? oldest;
      oldest = oldest === null || end === null ? end : Math.min(oldest, end);
    }
    return oldest;
  }

  /** Starts a stream; an older one to the same member is replaced. */
  start(to: MemberId, term: Term, atLeast: LogIndex): void {
    this.#streams.set(to, {
      to,
      term,
      atLeast,
      snapshot: null,
      acked: 0,
      next: 0,
      quietTicks: 0,
      resends: 0,
      reading: false,
    });
    this.#serve();
  }

  /** Ends all streams (leadership was lost). */
  stop(): void {
    this.#streams.clear();
    this.#releaseUnused();
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

  #serve(): void {
    for (const stream of this.#streams.values()) {
      if (stream.snapshot !== null) continue;
      const current = this.#current;
      if (current === null || current.last.index < stream.atLeast) {
        this.#build();
      } else {
        stream.snapshot = current;
        this.#pump(stream);
      }
    }
    this.#releaseUnused();
  }

  #build(): void {
    if (this.#building) return;
    this.#building = true;
    this.#buildingFrom = this.#ports.machine.applied.index;
    this.#ports.machine.snapshot((error, snapshot) => {
      this.#building = false;
      if (error !== null || snapshot === null) {
        this.#ports.failed(error ?? new Error("no snapshot was built"));
        return this.#giveUp();
      }
      const old = this.#current;
      this.#current = snapshot;
      if (old !== null && !this.#inUse(old)) old.release();
      this.#serve();
    });
  }

  /** No snapshot could be built: the waiting streams end, and the core asks again later. */
  #giveUp(): void {
    const waiting = [...this.#streams.values()].filter((s) => !s.snapshot);
    for (const { to } of waiting) this.#streams.delete(to);
    for (const { to } of waiting) this.#ports.sent(to, ZERO_LOG_ID, false);
    this.#releaseUnused();
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
    this.#ports.sent(stream.to, stream.snapshot!.last, ok);
    this.#releaseUnused();
  }

  #inUse(snapshot: Snapshot): boolean {
    for (const stream of this.#streams.values()) {
      if (stream.snapshot === snapshot) return true;
    }
    return false;
  }

  #releaseUnused(): void {
    if (this.#streams.size > 0 || this.#current === null) return;
    this.#current.release();
    this.#current = null;
  }
}
