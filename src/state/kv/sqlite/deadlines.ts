import type { Due } from "../store.ts";
import { damagedRow } from "./checksums.ts";
import type { DueRow, DueTable } from "./due_table.ts";

/** Rows of the first look into a number; each look after it reads four times as many. */
const FIRST_LOOK = 1;
const LOOK_FACTOR = 4;

/** Entries or counters under one number. */
class NumberDeadlines {
  readonly #table: DueTable;
  readonly number: number;
  readonly counter: boolean;
  /** No deadline is before this one. */
  nextMs = Infinity;
  /** Whether `nextMs` may be long over. */
  stale = true;

  constructor(table: DueTable, number: number, counter: boolean) {
    this.#table = table;
    this.number = number;
    this.counter = counter;
  }

  refresh(): void {
    if (!this.stale) return;
    this.stale = false;
    const found = this.#table.firstDeadline(this.number);
    if (found !== undefined && typeof found !== "number") {
      throw damagedRow(`a deadline under number ${this.number}`);
    }
    this.nextMs = found ?? Infinity;
  }

  look(after: DueRow | null, nowMs: number, limit: number): DueRow[] {
    return this.#table.due(this.number, after, nowMs, limit);
  }
}

/** What is due of entries or counters under one number, in order. */
class DueStream {
  readonly source: NumberDeadlines;
  readonly #nowMs: number;
  #rows: DueRow[] = [];
  #at = 0;
  #look = FIRST_LOOK;
  #ended = false;

  constructor(source: NumberDeadlines, nowMs: number) {
    this.source = source;
    this.#nowMs = nowMs;
  }

  /** The next row, which stays the next one until {@linkcode take}. */
  peek(): DueRow | null {
    if (this.#at === this.#rows.length && !this.#ended) {
      const last = this.#rows.at(-1) ?? null;
      this.#rows = this.source.look(last, this.#nowMs, this.#look);
      this.#at = 0;
      this.#ended = this.#rows.length < this.#look;
      this.#look *= LOOK_FACTOR;
    }
    return this.#rows[this.#at] ?? null;
  }

  take(): void {
    this.#at++;
  }
}

/**
 * Deadlines by number. Each number is asked on its own: rows of removed numbers may be there for long, and
 * nobody should have to step over them.
 */
export class CacheDeadlines {
  readonly #entries: DueTable;
  readonly #counters: DueTable;
  readonly #numbers = new Map<
    number,
    readonly [NumberDeadlines, NumberDeadlines]
  >();
  /** No deadline is before this one. */
  #soonest = Infinity;
  /** Whether `#soonest` may be long over. */
  #stale = false;

  /** Of these two tables. */
  constructor(entries: DueTable, counters: DueTable) {
    this.#entries = entries;
    this.#counters = counters;
  }

  /** See {@linkcode KvStore.nextDueMs}. */
  get nextDueMs(): number {
    if (this.#stale) {
      this.#stale = false;
      this.#soonest = Infinity;
      for (const each of this.#all()) {
        each.refresh();
        this.#soonest = Math.min(this.#soonest, each.nextMs);
      }
    }
    return this.#soonest;
  }

  /** Begins to look after a number; what is stored under it is looked up when it is needed. */
  add(number: number): void {
    this.#numbers.set(number, [
      new NumberDeadlines(this.#counters, number, true),
      new NumberDeadlines(this.#entries, number, false),
    ]);
    this.#stale = true;
  }

  /** Looks after a number no more. */
  remove(number: number): void {
    this.#numbers.delete(number);
    this.#stale = true;
  }

  /** Forgets all numbers. */
  clear(): void {
    this.#numbers.clear();
    this.#soonest = Infinity;
    this.#stale = false;
  }

  /** Something was stored under a number. */
  put(number: number, counter: boolean, deadlineMs: number): void {
    if (deadlineMs === 0) return;
    const own = this.#numbers.get(number)![counter ? 0 : 1];
    own.nextMs = Math.min(own.nextMs, deadlineMs);
    this.#soonest = Math.min(this.#soonest, deadlineMs);
  }

  /** See {@linkcode KvStore.due}. */
  due(nowMs: number, limit: number): Due[] {
    const due: Due[] = [];
    if (this.nextDueMs > nowMs) return due;
    const streams: DueStream[] = [];
    for (const each of this.#all()) {
      if (each.nextMs > nowMs) continue;
      streams.push(new DueStream(each, nowMs));
      // Mostly all of it is removed next.
      each.stale = true;
    }
    this.#stale = true;
    while (due.length < limit) {
      const next = earliest(streams);
      if (next === null) break;
      const { key, deadlineMs } = next.peek()!;
      const { number: cache, counter } = next.source;
      due.push({ cache, counter, key, deadlineMs });
      next.take();
    }
    return due;
  }

  *#all(): Generator<NumberDeadlines> {
    for (const pair of this.#numbers.values()) yield* pair;
  }
}

/** The stream whose next row is the first of all. */
function earliest(streams: readonly DueStream[]): DueStream | null {
  let first: DueStream | null = null;
  for (const stream of streams) {
    if (stream.peek() === null) continue;
    if (first === null || isBefore(stream, first)) first = stream;
  }
  return first;
}

/** No two of the same number and kind are compared. */
function isBefore(a: DueStream, b: DueStream): boolean {
  const first = a.peek()!.deadlineMs - b.peek()!.deadlineMs;
  if (first !== 0) return first < 0;
  const { number, counter } = a.source;
  return number === b.source.number ? counter : number < b.source.number;
}
