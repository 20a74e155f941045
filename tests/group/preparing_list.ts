import assert from "node:assert/strict";
import type { FirstRunPorts, GroupOptions } from "../../src/group/ports.ts";
import type { ProposalResult } from "../../src/group/proposals.ts";
import { EntryKind, type LogId, type LogIndex } from "../../src/raft/types.ts";
import {
  NO_EVENTS,
  type Preparation,
  type PreparedEntry,
  type PrepareDone,
  PrepareFailedError,
  type PreparingMachine,
  type StateEvents,
  WriterLostError,
} from "../../src/state/port.ts";
import { ListMachine, listOf, Trio } from "../node/trio.ts";

/** What leaders sealed payloads with. */
export const SEALS: WeakMap<Uint8Array, number> = new WeakMap();

/** What a stand-in says in these tests. */
export const FIRST_RUN: FirstRunPorts = {
  seal: (payload, hash) => void SEALS.set(payload, hash),
  refusal: (payload, reason) =>
    new TextEncoder().encode(`${reason} ${new TextDecoder().decode(payload)}`),
  limitMs: () => 1000,
};

/** A {@linkcode ListMachine} that runs commands before they are replicated. */
export class PreparingList extends ListMachine implements PreparingMachine {
  preparing = 0;
  commitsUnattended = true;
  /** Batches that were prepared, in order, and how each ended. */
  readonly batches: string[] = [];
  /** Ends a preparation otherwise than well. */
  fate: (payloads: readonly string[]) => Error | PreparedEntry[] | null = () =>
    null;
  /** Preparations wait until it is false and {@linkcode go} is called. */
  held = false;
  /** Batches to apply wait until it is false and {@linkcode goOn} is called. */
  applyHeld = false;
  goOn: () => void = () => {};
  abortable = true;
  aborts = 0;
  commitFailure: Error | null = null;
  /** Nobody hears of a COMMIT: its answer is lost with its writer. */
  commitUnheard = false;
  /** A COMMIT waits until it is false and {@linkcode goCommit} is called. */
  commitHeld = false;
  goCommit: () => void = () => {};
  #committing = false;
  /** A preparation that waits for the COMMIT before it. */
  #behind: (() => void) | null = null;
  open: { first: LogIndex; term: number; payloads: Uint8Array[] } | null = null;
  go: () => void = () => {};
  readonly #later: (run: () => void) => void;

  constructor(defer: (run: () => void) => void) {
    super(defer);
    this.#later = defer;
  }

  prepare(
    { first, term, payloads }: Preparation,
    done: PrepareDone,
  ): void {
    if (this.#committing) {
      const count = this.open!.payloads.length;
      assert.equal(first, this.open!.first + count, "it follows on the COMMIT");
    } else {
      assert.equal(this.open, null, "one transaction at a time");
      assert.equal(first, this.applied.index + 1);
    }
    const run = (): void => {
      if (first !== this.applied.index + 1) {
        const reason = `${first} after ${this.applied.index}`;
        return done(new PrepareFailedError("internal", reason, null), []);
      }
      const items = payloads.map((bytes) => new TextDecoder().decode(bytes));
      const fate = this.fate(items);
      this.batches.push(items.join(" "));
      if (fate instanceof Error) return done(fate, []);
      const outcomes = fate ?? items.map((_, i): PreparedEntry => ({
        kind: "prepared",
        answer: new TextEncoder().encode(`${this.items.length + i + 1}`),
        hash: i,
      }));
      const kept = payloads.filter((_, i) => outcomes[i]?.kind === "prepared");
      this.open = { first, term, payloads: kept };
      done(null, outcomes);
    };
    this.go = () => this.#later(run);
    if (this.#committing) this.#behind = () => this.held || this.go();
    else if (!this.held) this.go();
  }

  commitPrepared(
    done: (error: Error | null, events: StateEvents) => void,
  ): void {
    this.#committing = true;
    const commit = (): void => {
      this.#committing = false;
      this.#commit(done);
      this.#behind?.();
      this.#behind = null;
    };
    this.goCommit = () => this.#later(commit);
    if (!this.commitHeld) this.goCommit();
  }

  #commit(done: (error: Error | null, events: StateEvents) => void): void {
    const { commitFailure: failure } = this;
    if (failure !== null) return done(failure, NO_EVENTS);
    const { first, term, payloads } = this.open!;
    this.open = null;
    this.batches.push("commit");
    const last: LogId = { term, index: first + payloads.length - 1 };
    this.applied = last;
    for (const bytes of payloads) {
      this.items.push(new TextDecoder().decode(bytes));
      this.clockMs = Math.max(this.clockMs, this.clockOf(bytes));
    }
    if (this.commitUnheard) {
      return done(new WriterLostError("it is lost"), NO_EVENTS);
    }
    done(
      null,
      listOf(payloads.map((bytes, i) => ({
        index: first + i,
        seq: 0,
        kind: "item",
        bytes,
      }))),
    );
  }

  rollbackPrepared(done: (error: Error | null) => void): void {
    this.#later(() => {
      this.open = null;
      this.batches.push("rollback");
      done(null);
    });
  }

  abortPrepare(): boolean {
    this.aborts++;
    return this.abortable;
  }

  override apply(
    ...[entries, answers, done]: Parameters<ListMachine["apply"]>
  ) {
    assert.equal(this.open, null, "nothing is applied beside a transaction");
    const commands = entries.filter(({ kind }) => kind === EntryKind.command);
    if (this.applyHeld) {
      this.goOn = () => this.apply(entries, answers, done);
      return;
    }
    super.apply(entries, answers, (error, results, events) => {
      const differing = commands.find(({ payload }) =>
        SEALS.get(payload) === 7
      );
      done(
        error,
        results,
        events,
        differing && { index: differing.index, expected: 7, actual: 0 },
      );
    });
  }
}

/** Three members that run commands first, each for `limitMs` at most; the first one leads. */
export function preparingTrio(
  options: Partial<GroupOptions> = {},
  capacityBytes: readonly number[] = [],
  limitMs = 1000,
): { trio: Trio; leader: Trio["members"][0]; machine: PreparingList } {
  const trio = new Trio(options, capacityBytes, {
    make: (defer) => new PreparingList(defer),
    firstRun: { ...FIRST_RUN, limitMs: () => limitMs },
  });
  const leader = trio.elect(0);
  return { trio, leader, machine: leader.machine as PreparingList };
}

/** Counts a machine's checkpoints, none of which may come beside a transaction. */
export function countCheckpoints(machine: PreparingList): { count: number } {
  const checkpoints = { count: 0 };
  const { checkpoint } = machine;
  machine.checkpoint = (done) => {
    assert.equal(machine.open, null);
    checkpoints.count++;
    checkpoint.call(machine, done);
  };
  return checkpoints;
}

/** What was answered: the text of an answer, or how a proposal ended without one. */
export function answers(results: readonly ProposalResult[]): string[] {
  return results.map((result) =>
    result.kind === "applied"
      ? new TextDecoder().decode(result.answer)
      : result.kind
  );
}

/** What a preparation fails with; `at`: the certain cause. */
export function failed(
  reason: PrepareFailedError["reason"],
  at: number | null = null,
): PrepareFailedError {
  return new PrepareFailedError(reason, "it failed", at);
}
