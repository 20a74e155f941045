import { HiqliteError } from "../../src/errors.ts";
import {
  type Entry,
  EntryKind,
  type LogId,
  type LogIndex,
} from "../../src/raft/types.ts";
import {
  NO_EVENTS,
  type Preparation,
  type PreparedEntry,
  type PrepareDone,
  PrepareFailedError,
  type StateEvents,
  WriterLostError,
} from "../../src/state/port.ts";
import { entryEvents } from "./entry_events.ts";
import { type Model, PoisonError } from "./kv_model.ts";
import type { MachineHost } from "./machine_port.ts";
import type { StateVolume } from "./state_volume.ts";
import { Violation } from "./violation.ts";

/** What entries are prepared upon. */
interface PreparedUpon {
  readonly model: Model;
  readonly applied: LogId;
  readonly clockMs: number;
  tookEffect(entry: Entry, answer: Uint8Array): void;
}

/** What a simulated machine runs before it is replicated, with everything that can go wrong there. */
export class SimPreparation {
  readonly #state: PreparedUpon;
  readonly #volume: StateVolume;
  readonly #host: MachineHost;
  /** The preparation under way. */
  #preparation: { readonly done: PrepareDone } | null = null;
  /** The open transaction: the entries that it will be, with their answers. */
  #transaction: { entries: Entry[]; answers: Uint8Array[] } | null = null;
  #before = "";
  #committing: readonly Entry[] | null = null;
  /** Begins the preparation that waits for the end of a commit. */
  #behind: (() => void) | null = null;
  preparing = 0;
  /** What was prepared last and not proposed yet, by index: an entry may be proposed once for each. */
  readonly prepared = new Map<
    LogIndex,
    { readonly term: number; readonly payload: Uint8Array }
  >();
  /** Commands that must be proposed as they are. */
  readonly alone = new Set<Uint8Array>();

  /** Of the machine with this state and volume. */
  constructor(state: PreparedUpon, volume: StateVolume, host: MachineHost) {
    this.#state = state;
    this.#volume = volume;
    this.#host = host;
  }

  /** Runs commands in a transaction that stays open. */
  prepare(preparation: Preparation, done: PrepareDone): void {
    const { first, term } = preparation;
    const last = this.#committing?.at(-1)?.index ?? this.#state.applied.index;
    if (first !== last + 1) {
      throw new Violation(
        "prepared upon what is not applied",
        `${first} of ${term}, applied ${last}`,
      );
    }
    const preparing = { done };
    this.#preparation = preparing;
    this.prepared.clear();
    const begin = (): void =>
      this.#host.later(() => {
        if (this.#preparation === preparing) this.#prepare(preparation);
      });
    if (this.#committing === null) begin();
    else {
      this.#host.hit("preparedBehindCommit");
      this.#behind = begin;
    }
  }

  #prepare(preparation: Preparation): void {
    const { draw } = this.#host;
    const faults = this.#host.faults();
    this.preparing = 0;
    const { applied } = this.#state;
    if (preparation.first !== applied.index + 1) {
      this.#host.hit("groundSank");
      const reason = `${preparation.first} upon ${applied.index}`;
      return this.#prepareEnds(
        new PrepareFailedError("internal", reason, null),
      );
    }
    if (this.#host.full()) {
      return this.#prepareEnds(
        new HiqliteError("disk_full", "simulated full disk"),
      );
    }
    if (draw.chance(faults.dies)) return this.#dies();
    if (draw.chance(faults.hangs)) {
      this.preparing = draw.int(0, preparation.payloads.length - 1);
      return this.#host.hit("prepareHung");
    }
    const { first, term } = preparation;
    let { payloads } = preparation;
    const alone = draw.chance(faults.alone);
    if (alone) payloads = payloads.slice(0, 1);
    else if (draw.chance(faults.cuts)) {
      payloads = payloads.slice(0, draw.int(1, payloads.length));
    }
    this.#before = draw.chance(0.2) ? this.#state.model.dump() : "";
    let outcomes: PreparedEntry[];
    try {
      outcomes = this.#state.model.prepare({ first, term, payloads });
    } catch (error) {
      if (!(error instanceof PoisonError)) throw error;
      this.preparing = error.at;
      if (error.how === "hangs") return this.#host.hit("poisonHung");
      return this.#dies();
    }
    if (alone && outcomes[0]!.kind === "prepared") {
      // It was only rehearsed.
      this.#state.model.rollbackPrepared();
      this.alone.add(payloads[0]!);
      this.#transaction = { entries: [], answers: [] };
      return this.#prepareEnds(null, [{ kind: "alone" }]);
    }
    const transaction = { entries: [] as Entry[], answers: [] as Uint8Array[] };
    let index = first;
    outcomes = outcomes.map((outcome, i) => {
      if (outcome.kind !== "prepared") return outcome;
      const payload = payloads[i]!;
      this.prepared.set(index, { term, payload: payload.slice() });
      transaction.answers.push(outcome.answer);
      transaction.entries.push(
        { index, term, kind: EntryKind.command, payload },
      );
      if (draw.chance(faults.differs)) {
        this.#host.lied(index, term);
        outcome = { ...outcome, hash: (outcome.hash ^ 1) >>> 0 };
      }
      index++;
      return outcome;
    });
    this.#transaction = transaction;
    this.#prepareEnds(null, outcomes);
  }

  #dies(): void {
    this.#host.hit("preparerDied");
    this.#prepareEnds(
      new PrepareFailedError("internal", "simulated death of the writer", null),
    );
  }

  #prepareEnds(error: Error | null, outcomes: PreparedEntry[] = []): void {
    const { done } = this.#preparation!;
    this.#preparation = null;
    done(error, outcomes);
  }

  /** Ends what runs, if that can be done. */
  abort(): boolean {
    if (!this.#host.faults().abortable) return false;
    const at = this.#host.faults().certain ? this.preparing : null;
    const aborted = this.#preparation;
    this.#host.later(() => {
      if (aborted === null || this.#preparation !== aborted) return;
      this.#host.hit("prepareAborted");
      this.#prepareEnds(
        new PrepareFailedError("timeout", "simulated time limit", at),
      );
    });
    return true;
  }

  /** Commits the open transaction. */
  commit(
    done: (error: Error | null, events: StateEvents) => void,
  ): void {
    const transaction = this.#transaction;
    if (transaction === null) throw new Violation("no transaction", "commit");
    this.#committing = transaction.entries;
    const ended: typeof done = (error, events) => {
      const begin = this.#behind;
      this.#behind = null;
      // A member that died meanwhile hears of nothing.
      done(error, events);
      begin?.();
    };
    this.#host.later(() => {
      this.#committing = null;
      if (this.#host.full()) {
        const full = new HiqliteError("disk_full", "simulated full disk");
        return ended(full, NO_EVENTS);
      }
      const { dies } = this.#host.faults();
      if (this.#host.draw.chance(dies)) {
        this.#host.hit("transactionLost");
        return ended(
          new PrepareFailedError("internal", "simulated death", null),
          NO_EVENTS,
        );
      }
      this.#transaction = null;
      this.#state.model.commitPrepared();
      this.#volume.batches.push(transaction.entries);
      const { entries, answers } = transaction;
      entries.forEach((entry, i) => this.#state.tookEffect(entry, answers[i]!));
      this.#host.reached(this.#state.applied.index, this.#state.clockMs);
      this.#host.hit("preparedCommitted");
      if (this.#host.draw.chance(dies)) {
        this.#host.hit("commitUnheard");
        return ended(new WriterLostError("simulated death"), NO_EVENTS);
      }
      ended(null, this.#state.model.takeEvents?.() ?? entryEvents(entries));
    });
  }

  /** Undoes the open transaction. */
  rollback(done: (error: Error | null) => void): void {
    if (this.#transaction === null) {
      throw new Violation("no transaction", "rollback");
    }
    this.#host.later(() => {
      const { entries } = this.#transaction!;
      this.#transaction = null;
      this.prepared.clear();
      if (entries.length > 0) {
        this.#state.model.rollbackPrepared();
        this.#host.hit("preparedRolledBack");
        if (this.#before !== "" && this.#before !== this.#state.model.dump()) {
          throw new Violation("rollback", "the state is not as before");
        }
      }
      done(null);
    });
  }

  /** The entries that are being committed. */
  get committing(): readonly Entry[] | null {
    return this.#committing;
  }

  /** Whether a preparation may wait for the end of a commit. */
  get mayFollow(): boolean {
    return this.#committing !== null && this.#preparation === null;
  }

  /** Whether a transaction is open. */
  get holds(): boolean {
    return this.#transaction !== null || this.#preparation !== null;
  }

  /** Nobody will commit it any more: what is left is the state as of what was applied. */
  leave(): void {
    const { entries = [] } = this.#transaction ?? {};
    if (entries.length > 0) this.#state.model.rollbackPrepared();
    this.#transaction = null;
  }
}
