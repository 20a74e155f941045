import type { LogIndex } from "../../../raft/types.ts";
import type {
  DueLock,
  LockRows,
  LockSizes,
  LockUsage,
} from "../../locks/rows.ts";
import type { LockHolder, LockLease, LockWaiter } from "../../locks/types.ts";
import type { SqlValue } from "../../sql/types.ts";
import {
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteRow,
  type SqliteStatement,
} from "../driver/driver.ts";

const LEASE = "SELECT id, ttl, deadline, owner, single FROM main._hql_leases";
const HELD =
  "SELECT name, token, lease, ticket, permits, max, claim_by, value FROM main._hql_locks";
const WAITING =
  "SELECT name, ticket, lease, permits, max, until, value FROM main._hql_lock_waiters";

/** Every statement, by what it does. */
const TEXTS = {
  lease: `${LEASE} WHERE id = ?`,
  addLease: "INSERT INTO main._hql_leases VALUES (?, ?, ?, ?, ?)",
  moveLease: "UPDATE main._hql_leases SET deadline = ? WHERE id = ?",
  dropLease: "DELETE FROM main._hql_leases WHERE id = ?",
  dueLease: `${LEASE} WHERE deadline <= ? ORDER BY deadline, id LIMIT 1`,
  held:
    "SELECT coalesce(sum(permits), 0), max(max) FROM main._hql_locks WHERE name = ?",
  queued:
    "SELECT count(*), max(max) FROM main._hql_lock_waiters WHERE name = ?",
  holder: `${HELD} WHERE name = ? AND token = ?`,
  holderOfTicket: `${HELD} WHERE name = ? AND ticket = ?`,
  firstHolder: `${HELD} WHERE name = ? ORDER BY token LIMIT 1`,
  addHolder: "INSERT INTO main._hql_locks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
  claimHolder:
    "UPDATE main._hql_locks SET claim_by = NULL WHERE name = ? AND token = ?",
  dropHolder: "DELETE FROM main._hql_locks WHERE name = ? AND token = ?",
  heldBy: `${HELD} WHERE lease = ? ORDER BY token LIMIT 1`,
  dueGrant:
    `${HELD} WHERE claim_by IS NOT NULL AND claim_by <= ? ORDER BY claim_by, token LIMIT 1`,
  deadHolders:
    `${HELD} WHERE name = ?1 AND (claim_by <= ?2 OR (SELECT deadline FROM main._hql_leases WHERE id = lease) <= ?2) ORDER BY token`,
  waiter: `${WAITING} WHERE name = ? AND ticket = ?`,
  firstWaiter: `${WAITING} WHERE name = ? ORDER BY ticket LIMIT 1`,
  addWaiter: "INSERT INTO main._hql_lock_waiters VALUES (?, ?, ?, ?, ?, ?, ?)",
  dropWaiter:
    "DELETE FROM main._hql_lock_waiters WHERE name = ? AND ticket = ?",
  waitingBy: `${WAITING} WHERE lease = ? ORDER BY ticket LIMIT 1`,
  dueWaiter: `${WAITING} WHERE until <= ? ORDER BY until, ticket LIMIT 1`,
  sizes:
    "SELECT (SELECT count(*) FROM main._hql_leases), (SELECT count(*) FROM main._hql_locks), (SELECT count(*) FROM main._hql_lock_waiters)",
  nextDue:
    "SELECT (SELECT min(deadline) FROM main._hql_leases), (SELECT min(claim_by) FROM main._hql_locks WHERE claim_by IS NOT NULL), (SELECT min(until) FROM main._hql_lock_waiters)",
  lastToken: "SELECT last FROM main._hql_lock_tokens",
  saveLastToken: "UPDATE main._hql_lock_tokens SET last = ?",
} as const;

/** Locks whose use is remembered. */
const USAGES_MAX = 1_024;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What is counted rather than read each time, as of the open transaction. */
interface CountedRows {
  sizes: Mutable<LockSizes>;
  /** Of the locks that were looked at lately, by name. */
  usages: Map<string, Mutable<LockUsage>>;
  /** Null: something that was due may be gone. */
  nextDueMs: number | null;
  lastToken: number;
}

/** Leases and locks in tables of the database, changed in the writer's open transaction. */
export class SqliteLockRows implements LockRows {
  readonly #connection: SqliteConnection;
  readonly #statements = new Map<keyof typeof TEXTS, SqliteStatement>();
  #counted: CountedRows | null = null;
  /** Whether holders or waiters were changed since it was set to false: what the view shows beside time. */
  shownChanged = false;

  /** In a database that has the tables of `schema.ts`. */
  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  /** The transaction was rolled back. */
  reload(): void {
    this.#counted = null;
  }

  get sizes(): LockSizes {
    return this.#all.sizes;
  }

  get nextDueMs(): number {
    const counted = this.#all;
    if (counted.nextDueMs === null) {
      const [row] = this.#read("nextDue");
      const times = row!.filter((time) => time !== null) as number[];
      counted.nextDueMs = Math.min(...times);
    }
    return counted.nextDueMs;
  }

  get lastToken(): number {
    return this.#all.lastToken;
  }

  set lastToken(token: number) {
    this.#all.lastToken = token;
    this.#change("saveLastToken", token);
  }

  lease(id: LogIndex): LockLease | null {
    return firstOf(this.#read("lease", id), leaseOf);
  }

  addLease({ id, ttlMs, deadlineMs, owner, single }: LockLease): void {
    this.#all.sizes.leases++;
    this.#change("addLease", id, ttlMs, deadlineMs, owner, single ? 1 : 0);
    this.#due(deadlineMs);
  }

  moveLease({ id, deadlineMs: before }: LockLease, deadlineMs: number): void {
    this.#change("moveLease", deadlineMs, id);
    this.#undue(before);
    this.#due(deadlineMs);
  }

  dropLease({ id, deadlineMs }: LockLease): void {
    this.#all.sizes.leases -= this.#change("dropLease", id);
    this.#undue(deadlineMs);
  }

  usage(name: string): LockUsage {
    return this.#usage(name);
  }

  holder(name: string, token: number): LockHolder | null {
    return firstOf(this.#read("holder", name, token), holderOf);
  }

  holderOfTicket(name: string, ticket: LogIndex): LockHolder | null {
    return firstOf(this.#read("holderOfTicket", name, ticket), holderOf);
  }

  firstHolder(name: string): LockHolder | null {
    return firstOf(this.#read("firstHolder", name), holderOf);
  }

  addHolder(holder: LockHolder): void {
    const { name, token, lease, ticket, permits, limit, claimByMs, value } =
      holder;
    const usage = this.#usage(name);
    usage.used += permits;
    usage.limit = limit;
    this.#all.sizes.holders++;
    this.shownChanged = true;
    this.#change(
      "addHolder",
      name,
      token,
      lease,
      ticket,
      permits,
      limit,
      claimByMs,
      value,
    );
    this.#due(claimByMs ?? Infinity);
  }

  claimHolder({ name, token, claimByMs }: LockHolder): void {
    this.shownChanged = true;
    this.#change("claimHolder", name, token);
    this.#undue(claimByMs ?? Infinity);
  }

  dropHolder({ name, token, permits, claimByMs }: LockHolder): void {
    const usage = this.#usage(name);
    usage.used -= permits;
    if (usage.used + usage.waiters === 0) usage.limit = null;
    this.shownChanged = true;
    this.#all.sizes.holders -= this.#change("dropHolder", name, token);
    this.#undue(claimByMs ?? Infinity);
  }

  waiter(name: string, ticket: LogIndex): LockWaiter | null {
    return firstOf(this.#read("waiter", name, ticket), waiterOf);
  }

  firstWaiter(name: string): LockWaiter | null {
    return firstOf(this.#read("firstWaiter", name), waiterOf);
  }

  addWaiter(waiter: LockWaiter): void {
    const { name, ticket, lease, permits, limit, untilMs, value } = waiter;
    const usage = this.#usage(name);
    usage.waiters++;
    usage.limit = limit;
    this.#all.sizes.waiters++;
    this.shownChanged = true;
    this.#change(
      "addWaiter",
      name,
      ticket,
      lease,
      permits,
      limit,
      untilMs,
      value,
    );
    this.#due(untilMs);
  }

  dropWaiter({ name, ticket, untilMs }: LockWaiter): void {
    const usage = this.#usage(name);
    usage.waiters--;
    if (usage.used + usage.waiters === 0) usage.limit = null;
    this.shownChanged = true;
    this.#all.sizes.waiters -= this.#change("dropWaiter", name, ticket);
    this.#undue(untilMs);
  }

  heldBy(lease: LogIndex): LockHolder | null {
    return firstOf(this.#read("heldBy", lease), holderOf);
  }

  waitingBy(lease: LogIndex): LockWaiter | null {
    return firstOf(this.#read("waitingBy", lease), waiterOf);
  }

  firstDue(clockMs: number): DueLock | null {
    const lease = firstOf(this.#read("dueLease", clockMs), leaseOf);
    if (lease !== null) return { kind: "lease", lease };
    const holder = firstOf(this.#read("dueGrant", clockMs), holderOf);
    if (holder !== null) return { kind: "grant", holder };
    const waiter = firstOf(this.#read("dueWaiter", clockMs), waiterOf);
    return waiter === null ? null : { kind: "waiter", waiter };
  }

  deadHolders(name: string, clockMs: number): LockHolder[] {
    return this.#read("deadHolders", name, clockMs).map(holderOf);
  }

  get #all(): CountedRows {
    if (this.#counted === null) {
      const [row] = this.#read("sizes") as [[number, number, number]];
      const [[lastToken]] = this.#read("lastToken") as [[number]];
      const [leases, holders, waiters] = row;
      const sizes = { leases, holders, waiters };
      const usages = new Map();
      this.#counted = { sizes, usages, nextDueMs: null, lastToken };
    }
    return this.#counted;
  }

  /** Read once: a semaphore may have ten thousands of holders. */
  #usage(name: string): Mutable<LockUsage> {
    const { usages } = this.#all;
    let usage = usages.get(name);
    if (usage === undefined) {
      if (usages.size >= USAGES_MAX) usages.clear();
      const [held] = this.#read("held", name) as [[number, number | null]];
      const [queued] = this.#read("queued", name) as [[number, number | null]];
      const [[used, limit], [waiters, wanted]] = [held, queued];
      usage = { used, waiters, limit: limit ?? wanted };
      usages.set(name, usage);
    }
    return usage;
  }

  /** There is a new time at which something is due. */
  #due(timeMs: number): void {
    const counted = this.#all;
    if (counted.nextDueMs === null) return;
    counted.nextDueMs = Math.min(counted.nextDueMs, timeMs);
  }

  /** What was due at this time is gone, or due at another one. */
  #undue(timeMs: number): void {
    const counted = this.#all;
    // Another one may be the earliest.
    if (timeMs <= (counted.nextDueMs ?? Infinity)) {
      counted.nextDueMs = null;
    }
  }

  #read(text: keyof typeof TEXTS, ...values: SqlValue[]): SqliteRow[] {
    const statement = this.#statement(text);
    if (values.length === 0) return statement.all(NO_BINDINGS);
    return statement.all({ anonymous: values.map(integer), named: null });
  }

  /** How many rows it changed. */
  #change(text: keyof typeof TEXTS, ...values: SqlValue[]): number {
    return this.#statement(text)
      .run({ anonymous: values.map(integer), named: null }).changes;
  }

  #statement(text: keyof typeof TEXTS): SqliteStatement {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#connection.prepare(TEXTS[text])!;
      this.#statements.set(text, statement);
    }
    return statement;
  }
}

/** Every number here is an integer, which SQLite has as a bigint. */
function integer(value: SqlValue): SqlValue {
  return typeof value === "number" ? BigInt(value) : value;
}

function firstOf<T>(
  rows: readonly SqliteRow[],
  read: (row: SqliteRow) => T,
): T | null {
  const [row] = rows;
  return row === undefined ? null : read(row);
}

function leaseOf(row: SqliteRow): LockLease {
  const [id, ttlMs, deadlineMs, owner, single] = row as [
    number,
    number,
    number,
    string,
    number,
  ];
  return { id, ttlMs, deadlineMs, owner, single: single === 1 };
}

function holderOf(row: SqliteRow): LockHolder {
  const [name, token, lease, ticket, permits, limit, claimByMs, value] =
    row as [
      string,
      number,
      number,
      number,
      number,
      number,
      number | null,
      string,
    ];
  return { name, token, lease, ticket, permits, limit, claimByMs, value };
}

function waiterOf(row: SqliteRow): LockWaiter {
  const [name, ticket, lease, permits, limit, untilMs, value] = row as [
    string,
    number,
    number,
    number,
    number,
    number,
    string,
  ];
  return { name, ticket, lease, permits, limit, untilMs, value };
}
