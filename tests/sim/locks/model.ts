import { NO_BINDINGS } from "../../../src/state/sqlite/driver/driver.ts";
import type { RetainedEvents } from "../../../src/state/topics/event.ts";
import { SqlModel } from "../sql_model.ts";
import { GUARDED } from "./commands.ts";

const OWN_TABLES = [
  "_hql_leases",
  "_hql_locks",
  "_hql_lock_waiters",
  "_hql_lock_tokens",
];

/** An event as the table has it. */
export interface StoredEvent {
  readonly number: number;
  readonly index: number;
  readonly topic: string;
  readonly bytes: Uint8Array;
}

/** The production writer with its leases, locks and topics, on a real SQLite file. */
export class LockModel extends SqlModel {
  #nextDueMs = Infinity;

  /** The database that `bytes` are, or a new one. */
  constructor(path: string, bytes: Uint8Array) {
    super(path, GUARDED, bytes);
    this.#note();
  }

  /** See `LockReport.nextDueMs`: as of what is committed. */
  get nextDueMs(): number {
    return this.#nextDueMs;
  }

  /** What is kept of the events that were published. */
  get retainedEvents(): RetainedEvents {
    return this.applier.position.retained;
  }

  /** Some of the events after the one of this number. */
  eventsAfter(number: number): StoredEvent[] {
    const rows = this.reader.prepare(
      "SELECT n, idx, topic, data FROM _hql_events WHERE n > ? ORDER BY n LIMIT 20",
    )!.all({ anonymous: [BigInt(number)], named: null });
    return rows.map((row) => {
      const [number, index, topic, bytes] = row as [
        number,
        number,
        string,
        Uint8Array,
      ];
      return { number, index, topic, bytes };
    });
  }

  override apply(...given: Parameters<SqlModel["apply"]>) {
    const applied = super.apply(...given);
    this.#note();
    return applied;
  }

  override commitPrepared(): void {
    super.commitPrepared();
    this.#note();
  }

  override rollbackPrepared(): void {
    super.rollbackPrepared();
    const known = this.#nextDueMs;
    this.#note();
    if (this.#nextDueMs === known) return;
    throw new Error(`${this.#nextDueMs} is due after a rollback, not ${known}`);
  }

  /** With every lease, holder and waiter. */
  override dump(): string {
    const rows = OWN_TABLES.map((table) => {
      const all = this.reader.prepare(`SELECT * FROM ${table}`)!
        .all(NO_BINDINGS);
      return `${table}: ${JSON.stringify(all)}`;
    });
    return [super.dump(), ...rows].join("\n");
  }

  #note(): void {
    this.#nextDueMs = this.applier.locks.nextDueMs;
  }
}
