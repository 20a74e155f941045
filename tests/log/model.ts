import {
  type Entry,
  EntryKind,
  type HardState,
  type LogId,
  ZERO_LOG_ID,
} from "../../src/raft/types.ts";
import type { LogError, LogRecovery, LogStore } from "../../src/log/port.ts";

/** The plainest possible log. */
export class ModelLog {
  hardState: HardState = { term: 0, vote: null };
  base: LogId = ZERO_LOG_ID;
  entries: Entry[] = [];

  get last(): LogId {
    const entry = this.entries.at(-1);
    return entry ? { term: entry.term, index: entry.index } : this.base;
  }

  append(entries: readonly Entry[]): void {
    this.entries.push(...entries);
  }

  truncateAfter(index: number): void {
    this.entries = this.entries.filter((entry) => entry.index <= index);
  }

  purge(to: LogId): void {
    if (to.index <= this.base.index) return;
    this.base = to;
    this.entries = this.entries.filter(({ index }) => index > to.index);
  }

  reset(base: LogId): void {
    this.base = base;
    this.entries = [];
  }

  /** An independent copy. */
  clone(): ModelLog {
    const copy = new ModelLog();
    copy.hardState = this.hardState;
    copy.base = this.base;
    copy.entries = [...this.entries];
    return copy;
  }

  /** All of it as text, to compare. */
  fingerprint(): string {
    return fingerprint(this.hardState, this.base, this.entries);
  }
}

function fingerprint(
  hardState: HardState,
  base: LogId,
  entries: readonly Entry[],
): string {
  const list = entries.map(({ index, term, kind, payload }) =>
    `${index}:${term}:${kind}:${payload.length}:${payload.toHex().slice(0, 24)}`
  );
  return `hs ${hardState.term}/${hardState.vote} ` +
    `base ${base.term}/${base.index} [${list.join(" ")}]`;
}

/** A command entry with a payload that tells it from all others. */
export function entry(index: number, term: number, bytes = 24): Entry {
  const payload = new Uint8Array(bytes).fill(0xa5);
  const view = new DataView(payload.buffer);
  for (let at = 0; at + 8 <= bytes; at += 8) {
    view.setUint32(at, index, true);
    view.setUint32(at + 4, term * 7919 + at, true);
  }
  return { index, term, kind: EntryKind.command, payload };
}

/** `count` entries from `first` on. */
export function entriesFrom(
  first: number,
  count: number,
  term: number,
  bytes = 24,
): Entry[] {
  return Array.from({ length: count }, (_, i) => entry(first + i, term, bytes));
}

/** Everything a log holds, read from disk, as text; `run` completes what it started. */
export function fingerprintOf(
  log: LogStore,
  recovery: Pick<LogRecovery, "hardState">,
  run: () => void,
): string {
  const all: Entry[] = [];
  const { base, last } = log;
  let failure: LogError | null = null;
  while (base.index + all.length < last.index) {
    const before = all.length;
    const from = base.index + 1 + before;
    log.read(from, last.index, 100_000, (error, entries) => {
      failure = error;
      all.push(...entries);
    });
    run();
    if (failure !== null) throw failure;
    if (all.length === before) throw new Error(`nothing read at ${from}`);
  }
  return fingerprint(recovery.hardState, base, all);
}
