import type { RaftCore } from "../raft/core.ts";
import type { PendingProposals, ProposalDone } from "./proposals.ts";
import type { Room } from "./disk_room.ts";

/** A proposal that never reached the core. */
type EarlyRefusal = "overloaded" | "disk_full" | "stopped";

interface Waiting {
  readonly payload: Uint8Array;
  readonly done: ProposalDone;
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
  #waiting: Waiting[] = [];

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

  /** How many wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Lets a proposal wait. False if too many do: then it is refused. */
  push(payload: Uint8Array, done: ProposalDone): boolean {
    if (this.#waiting.length >= this.#max) {
      refuse(done, "overloaded", `${this.#max} proposals are waiting`);
      return false;
    }
    this.#waiting.push({ payload, done });
    return true;
  }

  /**
   * Proposes all that wait.
   * @throws {LogError} if the log is unusable.
   */
  propose(): void {
    const batch = this.#take();
    if (batch.length === 0) return;
    let bytes = 0;
    const payloads = new Array<Uint8Array>(batch.length);
    for (let i = 0; i < batch.length; i++) {
      payloads[i] = batch[i]!.payload;
      bytes += payloads[i]!.length;
    }
    if (!this.#roomFor(batch.length, bytes)) {
      for (const { done } of batch) {
        refuse(done, "disk_full", "no room on the leader's disk");
      }
      return;
    }
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
    for (const { done } of this.#take()) refuseStopped(done);
  }

  #take(): Waiting[] {
    const waiting = this.#waiting;
    if (waiting.length > 0) this.#waiting = [];
    return waiting;
  }

  /** Whoever does not lead appends nothing, and its core says who leads. */
  #roomFor(count: number, bytes: number): boolean {
    if (this.#core.role !== "leader") return true;
    return !this.#room.stateFull && this.#room.reserve(count, bytes);
  }
}

/** Answers a proposal that came to, or waits at, a member that stops. */
export function refuseStopped(done: ProposalDone): void {
  refuse(done, "stopped", "the member is stopping");
}

function refuse(
  done: ProposalDone,
  reason: EarlyRefusal,
  detail: string,
): void {
  done({ kind: "refused", reason, detail, leader: null });
}
