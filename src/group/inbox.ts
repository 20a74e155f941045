import type { RaftCore } from "../raft/core.ts";
import type { PendingProposals, ProposalDone } from "./proposals.ts";
import type { Room } from "./disk_room.ts";

/** Payload bytes that may wait; one proposal always may. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

/** A proposal that never reached the core. */
type EarlyRefusal = "overloaded" | "disk_full" | "stopped";

/** A proposal that is not appended yet. */
export interface WaitingProposal {
  readonly payload: Uint8Array;
  readonly done: ProposalDone;
  /** It stands for a command that no log may hold. */
  readonly standIn?: boolean;
}

/**
 * Proposals that wait for the loop's next pass, at most `max`. All of them become
 * one step of the core, one append and one sync: group commit.
 */
export class ProposalInbox {
  readonly #core: RaftCore;
  readonly #room: Room;
  readonly #pending: PendingProposals;
  readonly #max: number;
  readonly #stamp: (payload: Uint8Array) => void;
  #waiting: WaitingProposal[] = [];
  #bytes = 0;

  /** Starts empty; what the core appends is stamped and goes over to `pending`. */
  constructor(
    core: RaftCore,
    room: Room,
    pending: PendingProposals,
    max: number,
    stamp: (payload: Uint8Array) => void,
  ) {
    this.#core = core;
    this.#room = room;
    this.#pending = pending;
    this.#max = max;
    this.#stamp = stamp;
  }

  /** The number of waiting proposals. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Queues a proposal. Returns false if the inbox is full: then the proposal is refused. */
  push(payload: Uint8Array, done: ProposalDone): boolean {
    const waiting = this.#waiting.length;
    if (waiting >= this.#max) {
      refuse(done, "overloaded", `${this.#max} proposals are waiting`);
      return false;
    }
    if (waiting > 0 && this.#bytes + payload.length > WAITING_BYTES_MAX) {
      const detail =
        `${this.#bytes} bytes of proposals are waiting, the limit is ${WAITING_BYTES_MAX}`;
      refuse(done, "overloaded", detail);
      return false;
    }
    this.#waiting.push({ payload, done });
    this.#bytes += payload.length;
    return true;
  }

  /** Takes the oldest out, so many at most, and one at least if there is one. */
  take(count: number, bytes: number): WaitingProposal[] {
    let [taken, sum] = [0, 0];
    for (const { payload } of this.#waiting) {
      sum += payload.length;
      if (taken >= count || (taken > 0 && sum > bytes)) break;
      taken++;
    }
    const batch = this.#waiting.splice(0, taken);
    this.#bytes -= bytesOf(batch);
    return batch;
  }

  /** Puts proposals before all others. */
  putBack(batch: readonly WaitingProposal[]): void {
    this.#waiting.unshift(...batch);
    this.#bytes += bytesOf(batch);
  }

  /**
   * Proposes everything that waits.
   * @throws {LogError} if the log is unusable.
   */
  propose(): void {
    this.append(this.#takeAll());
  }

  /**
   * Stamps and proposes a batch as it is.
   * @throws {LogError} if the log is unusable.
   */
  append(batch: readonly WaitingProposal[]): void {
    if (batch.length === 0) return;
    if (!this.roomFor(batch)) return refuseFull(batch);
    const payloads = batch.map(({ payload }) => payload);
    // Here, so that the order of stamps is the order in the log.
    if (this.#core.role === "leader") payloads.forEach(this.#stamp);
    const outcome = this.#core.step({ kind: "propose", payloads });
    if (outcome.kind === "appended") {
      const { index, term } = outcome.first;
      for (let i = 0; i < batch.length; i++) {
        this.#pending.add(index + i, term, batch[i]!.done);
      }
    } else if (outcome.kind === "refused") {
      for (const { done } of batch) done(outcome);
    }
  }

  /** The member stops: nothing that waits will be proposed. */
  stop(): void {
    for (const { done } of this.#takeAll()) refuseStopped(done);
  }

  /**
   * Whether the log has room for a batch, which is reserved until the loop's pass ends.
   * A member that does not lead appends nothing, and its core names the leader.
   * @throws {LogError} if the log is unusable.
   */
  roomFor(batch: readonly WaitingProposal[]): boolean {
    if (this.#core.role !== "leader") return true;
    return !this.#room.stateFull &&
      this.#room.reserve(batch.length, bytesOf(batch));
  }

  #takeAll(): WaitingProposal[] {
    const waiting = this.#waiting;
    if (waiting.length > 0) this.#waiting = [];
    this.#bytes = 0;
    return waiting;
  }
}

/** Refuses a proposal that reached, or waits at, a member that stops. */
export function refuseStopped(done: ProposalDone): void {
  refuse(done, "stopped", "the member is stopping");
}

/** Refuses proposals for which there is no room. */
export function refuseFull(batch: readonly WaitingProposal[]): void {
  for (const { done } of batch) {
    refuse(done, "disk_full", "no room on the leader's disk");
  }
}

function bytesOf(batch: readonly WaitingProposal[]): number {
  let bytes = 0;
  for (const { payload } of batch) bytes += payload.length;
  return bytes;
}

function refuse(
  done: ProposalDone,
  reason: EarlyRefusal,
  detail: string,
): void {
  done({ kind: "refused", reason, detail, leader: null });
}
