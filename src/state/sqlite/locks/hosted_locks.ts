import type { LogIndex } from "../../../raft/types.ts";
import { encodeLockEvent, LOCK_EVENT } from "../../locks/events.ts";
import { type LockEntry, LockTable } from "../../locks/table.ts";
import {
  type LockAnswer,
  type LockCounts,
  type LockEvent,
  type LockFence,
  type LockOperation,
  NO_LOCKS,
} from "../../locks/types.ts";
import type { CommandFailure } from "../../sql/types.ts";
import type { SqliteConnection } from "../driver/driver.ts";
import { SqliteLockRows } from "./lock_rows.ts";

/** Hears of an event of the entry at `index`. */
type NoteEvent = (index: LogIndex, kind: string, bytes: Uint8Array) => void;

/** What is counted of what happens. */
type LockTally = Pick<LockCounts, "granted" | "expired" | "fenced">;

/** Leases and locks in the writer: the rules over its tables, within the transaction that is open. */
export class HostedLocks {
  readonly #rows: SqliteLockRows;
  readonly #table: LockTable;
  readonly #note: NoteEvent;
  #index: LogIndex = 0;
  /** Of what is committed. */
  #committed: LockTally = NO_LOCKS;
  /** With what the open transaction did. */
  #tally: LockTally = NO_LOCKS;

  /** In a database that has the tables of `schema.ts`; `note` hears what happens. */
  constructor(connection: SqliteConnection, note: NoteEvent) {
    this.#rows = new SqliteLockRows(connection);
    this.#note = note;
    this.#table = new LockTable(this.#rows, (event) => this.#tell(event));
  }

  /** See `LockRows.nextDueMs`. */
  get nextDueMs(): number {
    return this.#rows.nextDueMs;
  }

  /** As of what is committed; between two transactions only. */
  get counts(): LockCounts {
    const { leases, holders, waiters } = this.#rows.sizes;
    return { ...this.#committed, leases, held: holders, waiting: waiters };
  }

  /** Whether the entry changed who holds a lock or waits for one. */
  get shownChanged(): boolean {
    return this.#rows.shownChanged;
  }

  /** An entry begins, of whichever kind: nothing is changed yet. */
  forgetChanges(): void {
    this.#rows.shownChanged = false;
  }

  /** An entry begins that has a time; see `LockTable.begin`. */
  begin(entry: LockEntry): void {
    this.#index = entry.index;
    this.#table.begin(entry);
  }

  /** Does what the entry asks. */
  run(operation: LockOperation): LockAnswer {
    return this.#table.run(operation);
  }

  /** Why a write with this fence does nothing; null if it may go on, as one without. */
  refusal(fence: LockFence | undefined): CommandFailure | null {
    if (fence === undefined || this.#table.holds(fence)) return null;
    const { fenced } = this.#tally;
    this.#tally = { ...this.#tally, fenced: fenced + 1 };
    const { name, token } = fence;
    return {
      code: "fenced",
      message: `The lock ${
        JSON.stringify(name)
      } is not held under the token ${token} any more: nothing was done`,
    };
  }

  /** The transaction was committed. */
  commit(): void {
    this.#committed = this.#tally;
  }

  /** The transaction was rolled back. */
  undo(): void {
    this.#tally = this.#committed;
    this.#rows.reload();
  }

  #tell(event: LockEvent): void {
    const { granted, expired } = this.#tally;
    if (event.kind === "granted") {
      this.#tally = { ...this.#tally, granted: granted + 1 };
    } else if (event.kind === "expired") {
      this.#tally = { ...this.#tally, expired: expired + 1 };
    }
    this.#note(this.#index, LOCK_EVENT, encodeLockEvent(event));
  }
}
