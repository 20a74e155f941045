import type { LogError, LogStore } from "../log/port.ts";
import type { Entry, LogIndex } from "../raft/types.ts";
import {
  type Divergence,
  type StateEvents,
  type StateMachine,
  type StuckEntry,
  WriterLostError,
} from "../state/port.ts";
import type { PendingProposals } from "./proposals.ts";

const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_ENTRIES = 8192;
/** Do not wait for more once this many are queued. */
const CROWD_ENTRIES = 512;

/** What the applier reports and needs. */
export interface ApplierPorts {
  /** What the entries up to `index` did; before anybody hears that they are applied. */
  events(events: StateEvents, index: LogIndex): void;
  /** The state machine has applied up to `index`; `bytes` of payload since the last call. */
  applied(index: LogIndex, bytes: number): void;
  /** Entries up to `index` were applied, and their answers and events are lost. */
  unheard(index: LogIndex, bytes: number): void;
  /** This entry is not applied here any more, nor what comes after it. */
  stuck(entry: StuckEntry): void;
  /** The state machine cannot go on; nothing was applied. */
  machineFailed(error: Error): void;
  logFailed(error: LogError): void;
  /** The state answers an entry differently than its leader did. */
  diverged(divergence: Divergence): void;
  /** The lowest index that a caller waits for; infinite if there is none. */
  firstWanted(): LogIndex;
  /** See {@linkcode GroupPorts.linger}. */
  readonly linger: ((callback: () => void) => () => void) | undefined;
}

/**
 * Feeds committed, locally durable entries to the state machine, one batch at a
 * time. Entries without a waiting caller linger, so that more of them share a
 * transaction: under a light load this halves a follower's work.
 */
export class Applier {
  readonly #log: LogStore;
  readonly #machine: StateMachine;
  readonly #proposals: PendingProposals;
  readonly #ports: ApplierPorts;
  #target: LogIndex;
  #busy = false;
  #paused = false;
  #stopped = false;
  #suspended: (() => void) | null = null;
  /** Entries up to here do not linger. */
  #wanted: LogIndex = 0;
  #stopLingering: (() => void) | null = null;
  /** Entries up to here come one by one: one of them may have ended the writer. */
  #aloneUpTo: LogIndex = 0;
  #toldStuck = false;

  /** Continues after what the machine has applied. */
  constructor(
    log: LogStore,
    machine: StateMachine,
    proposals: PendingProposals,
    ports: ApplierPorts,
  ) {
    this.#log = log;
    this.#machine = machine;
    this.#proposals = proposals;
    this.#ports = ports;
    this.#target = machine.applied.index;
  }

  /** Whether the state machine refused the last batch. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Whether the machine has nothing to do and may be lent. */
  get idle(): boolean {
    return !this.#busy && !this.#paused && this.#suspended === null;
  }

  /** Apply up to here; only grows. */
  advance(target: LogIndex): void {
    if (target <= this.#target) return;
    this.#target = target;
    this.#pump();
  }

  /** A caller waits until `index` is applied: entries up to it do not linger. */
  hurry(index: LogIndex): void {
    if (index <= this.#wanted) return;
    this.#wanted = index;
    this.#pump();
  }

  /** Begins no further batch. */
  stop(): void {
    this.#stopped = true;
    this.#stopLingering?.();
    this.#stopLingering = null;
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

  /** Lends the idle machine: nothing is applied until {@linkcode giveBack}. */
  lend(): void {
    this.#busy = true;
  }

  /** The machine is back, and goes on from where it is now; `full`: not before there is room. */
  giveBack(full = false): void {
    this.#paused ||= full;
    this.#idle();
    this.#pump();
  }

  /** Goes on after {@linkcode suspend}, from where the machine is now. */
  resume(): void {
    this.#suspended = null;
    this.retry();
  }

  #pump(): void {
    if (this.#stopped || !this.idle) return;
    const from = this.#machine.applied.index + 1;
    if (from > this.#target || this.#isStuck(from)) return;
    if (this.#mayLinger(from)) this.#linger();
    else this.#begin(from);
  }

  #isStuck(from: LogIndex): boolean {
    const stuck = this.#machine.stuck ?? null;
    const here = stuck !== null && from === stuck.index;
    if (here && !this.#toldStuck) this.#ports.stuck(stuck);
    return this.#toldStuck = here;
  }

  #mayLinger(from: LogIndex): boolean {
    return this.#ports.linger !== undefined && from > this.#wanted &&
      this.#ports.firstWanted() > this.#target &&
      this.#target - from < CROWD_ENTRIES && this.#proposals.size === 0;
  }

  #linger(): void {
    this.#stopLingering ??= this.#ports.linger!(() => {
      this.#stopLingering = null;
      this.hurry(this.#target);
    });
  }

  #begin(from: LogIndex): void {
    this.#busy = true;
    const to = this.#lastOfBatch(from);
    const cached = this.#log.readCached(from, to, BATCH_BYTES);
    if (cached !== undefined) return this.#apply(cached);
    this.#log.read(from, to, BATCH_BYTES, (error, entries) => {
      if (error !== null) return this.#ports.logFailed(error);
      // Purged meanwhile: a snapshot is about to replace the state.
      if (entries.length === 0) this.#idle();
      else this.#apply(entries);
    });
  }

  #lastOfBatch(from: LogIndex): LogIndex {
    if (from <= this.#aloneUpTo) return from;
    const last = Math.min(this.#target, from + BATCH_ENTRIES - 1);
    const { stuck } = this.#machine;
    return stuck ? Math.min(last, stuck.index - 1) : last;
  }

  #idle(): void {
    this.#busy = false;
    this.#suspended?.();
  }

  #apply(entries: readonly Entry[]): void {
    const last = entries.at(-1)!.index;
    const wanted = this.#proposals.waitsUpTo(last);
    this.#machine.apply(entries, wanted, (error, answers, events, diverged) => {
      if (error instanceof WriterLostError) return this.#again(entries);
      if (error !== null) {
        this.#paused = true;
        this.#idle();
        return this.#ports.machineFailed(error);
      }
      if (diverged) this.#ports.diverged(diverged);
      this.#ports.events(events, last);
      if (wanted) this.#answer(entries, answers);
      this.#ports.applied(last, payloadBytes(entries));
      this.#idle();
      this.#pump();
    });
  }

  /** The writer was lost with this batch, and another one is there. */
  #again(entries: readonly Entry[]): void {
    if (entries.length > 1) this.#aloneUpTo = entries.at(-1)!.index;
    const applied = this.#machine.applied.index;
    // It may have died after a COMMIT.
    const done = entries.filter(({ index }) => index <= applied);
    if (done.length > 0) this.#ports.unheard(applied, payloadBytes(done));
    this.#idle();
    this.#pump();
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
