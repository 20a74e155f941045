import type { LogError, LogStore } from "../log/port.ts";
import type { Entry, LogIndex } from "../raft/types.ts";
import type { StateMachine } from "../state/port.ts";
import type { PendingProposals } from "./proposals.ts";

const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_ENTRIES = 8192;

/** What the applier reports. */
export interface ApplierEvents {
  /** The state machine has applied up to here, with so many payload bytes since the last call. */
  applied(index: LogIndex, bytes: number): void;
  /** The state machine cannot go on; nothing was applied. */
  machineFailed(error: Error): void;
  logFailed(error: LogError): void;
}

/** Feeds committed, locally durable entries to the state machine, one batch at a time. */
export class Applier {
  readonly #log: LogStore;
  readonly #machine: StateMachine;
  readonly #proposals: PendingProposals;
  readonly #events: ApplierEvents;
  #target: LogIndex;
  #busy = false;
  #paused = false;
  #suspended: (() => void) | null = null;

  /** Continues after what the machine has applied. */
  constructor(
    log: LogStore,
    machine: StateMachine,
    proposals: PendingProposals,
    events: ApplierEvents,
  ) {
    this.#log = log;
    this.#machine = machine;
    this.#proposals = proposals;
    this.#events = events;
    this.#target = machine.applied.index;
  }

  /** Whether the state machine refused the last batch. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Apply up to here; only grows. */
  advance(target: LogIndex): void {
    if (target <= this.#target) return;
    this.#target = target;
    this.#pump();
  }

  /** Tries again after a failure. */
  retry(): void {
    this.#paused = false;
    this.#pump();
  }

  /** Hands the machine over: `idle` is called once no batch is with it, and no other follows until {@linkcode resume}. */
  suspend(idle: () => void): void {
    this.#suspended = idle;
    if (!this.#busy) idle();
  }

  /** Goes on after {@linkcode suspend}, from where the machine is now. */
  resume(): void {
    this.#suspended = null;
    this.retry();
  }

  #pump(): void {
    if (this.#busy || this.#paused || this.#suspended !== null) return;
    const from = this.#machine.applied.index + 1;
    if (from > this.#target) return;
    this.#busy = true;
    const to = Math.min(this.#target, from + BATCH_ENTRIES - 1);
    const cached = this.#log.readCached(from, to, BATCH_BYTES);
    if (cached !== undefined) return this.#apply(cached);
    this.#log.read(from, to, BATCH_BYTES, (error, entries) => {
      if (error !== null) return this.#events.logFailed(error);
      // Purged under us: a snapshot is about to replace the state.
      if (entries.length === 0) this.#idle();
      else this.#apply(entries);
    });
  }

  #idle(): void {
    this.#busy = false;
    this.#suspended?.();
  }

  #apply(entries: readonly Entry[]): void {
    const wanted = this.#proposals.waitsUpTo(entries.at(-1)!.index);
    this.#machine.apply(entries, wanted, (error, answers) => {
      if (error !== null) {
        this.#paused = true;
        this.#idle();
        return this.#events.machineFailed(error);
      }
      if (wanted) this.#answer(entries, answers);
      this.#events.applied(entries.at(-1)!.index, payloadBytes(entries));
      this.#idle();
      this.#pump();
    });
  }

  #answer(entries: readonly Entry[], answers: readonly Uint8Array[]): void {
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      this.#proposals.applied(entry.index, entry.term, answers[i]!);
    }
  }
}

/** Payload bytes of some entries. */
export function payloadBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const { payload } of entries) bytes += payload.length;
  return bytes;
}
