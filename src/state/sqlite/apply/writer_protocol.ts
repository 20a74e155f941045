import type { Entry, EntryKind } from "../../../raft/types.ts";
import { type ByteReader, ByteWriter } from "../../../util/bytes.ts";
import {
  type ClusterFacts,
  readFacts,
  writeFacts,
} from "../../cluster_facts.ts";
import {
  type Divergence,
  type Preparation,
  PREPARE_REFUSALS,
  type PreparedEntry,
  PrepareFailedError,
  type StateHash,
  type StatePosition,
} from "../../port.ts";
import {
  readRetained,
  type RetainedEvents,
  writeRetained,
} from "../../topics/event.ts";
import type { LockCounts, LockReport } from "../../locks/types.ts";
import { readTokens, writeTokens } from "../../tokens/codec.ts";
import type { ApiToken } from "../../tokens/types.ts";
import type { SqliteDriverSpec } from "../driver/driver.ts";
import type { Position } from "./bookkeeping.ts";

/** What the writer can be asked. */
export const WriterRequest = {
  apply: 1,
  checkpoint: 2,
  dump: 3,
  /** Which entry the database in another file ends with. */
  inspect: 4,
  /** Close the database, so that it can be replaced. */
  release: 5,
  /** Go on with another file. */
  open: 6,
  prepare: 7,
  commitPrepared: 8,
  rollbackPrepared: 9,
} as const;

/** What the writer is started with, as plain data. */
export interface WriterOptions {
  readonly driver: SqliteDriverSpec;
  readonly path: string;
  readonly statementCacheCapacity: number;
  /** The most that SQLite's heap may hold, bytes: of the whole process where it has none of its own. */
  readonly heapBytes: number;
  /** The newest feature level that this release knows. */
  readonly level: number;
  /** By how much one write may make the database grow, bytes. */
  readonly growthBytesMax: number;
}

/** Encodes a batch; `answers` tells whether anybody wants them. */
export function encodeApply(
  entries: readonly Entry[],
  answers: boolean,
): Uint8Array {
  const writer = new ByteWriter(128 * entries.length);
  writer.u8(WriterRequest.apply).u8(answers ? 1 : 0).u32(entries.length);
  for (const { index, term, kind, payload } of entries) {
    writer.u53(index).u53(term).u8(kind).bytes(payload);
  }
  return writer.finish();
}

/** Reads what {@linkcode encodeApply} wrote, after the kind of request. */
export function decodeApply(
  reader: ByteReader,
): { answers: boolean; entries: Entry[] } {
  const answers = reader.u8() === 1;
  const count = reader.u32();
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    entries.push({
      index: reader.u53(),
      term: reader.u53(),
      kind: reader.u8() as EntryKind,
      payload: reader.bytes(),
    });
  }
  return { answers, entries };
}

/** What is counted of locks, in the order in which it is written. */
export const LOCK_COUNTS: readonly (keyof LockCounts)[] = [
  "leases",
  "held",
  "waiting",
  "granted",
  "expired",
  "fenced",
];

/** Appends what there is of leases and locks; null if nobody asks. */
function writeLockReport(
  writer: ByteWriter,
  report: LockReport | null,
): void {
  writer.u8(report === null ? 0 : 1);
  if (report === null) return;
  for (const count of LOCK_COUNTS) writer.u53(report.counts[count]);
  writer.u53(Math.min(report.nextDueMs, Number.MAX_SAFE_INTEGER));
}

function readLockReport(reader: ByteReader): LockReport | null {
  if (reader.u8() === 0) return null;
  const counts = Object.fromEntries(
    LOCK_COUNTS.map((count) => [count, reader.u53()]),
  ) as Record<keyof LockCounts, number>;
  const due = reader.u53();
  const nextDueMs = due === Number.MAX_SAFE_INTEGER ? Infinity : due;
  return { counts, nextDueMs };
}

/** What an answer says beside the position; null: as it was told last. */
interface AppliedReports {
  readonly locks: LockReport | null;
  readonly tokens: readonly ApiToken[] | null;
}

/** Nobody asks. */
export const UNREPORTED: AppliedReports = { locks: null, tokens: null };

/** Appends how far the writer has come; the facts only if they are not `told` already. */
export function writeApplied(
  writer: ByteWriter,
  position: Position,
  hashes: readonly StateHash[],
  told: ClusterFacts | null,
  { locks, tokens }: AppliedReports,
): void {
  const { applied, clockMs, timeMs, hash, config, facts } = position;
  writer.u53(applied.term).u53(applied.index).u53(clockMs);
  writer.u53(timeMs).u32(hash).bytes(config);
  writer.u32(hashes.length);
  for (const { index, hash, table = "" } of hashes) {
    writer.u53(index).u32(hash).text(table);
  }
  writer.u8(facts === told ? 0 : 1);
  if (facts !== told) writeFacts(writer, facts);
  writeRetained(writer, position.retained);
  writeLockReport(writer, locks);
  writer.u8(tokens === null ? 0 : 1);
  if (tokens !== null) writeTokens(writer, tokens);
}

/** What {@linkcode writeApplied} wrote. */
export interface ReachedPosition extends AppliedReports, StatePosition {
  readonly clockMs: number;
  readonly config: Uint8Array;
  readonly hashes: readonly StateHash[];
  /** Null if they have not changed. */
  readonly facts: ClusterFacts | null;
  readonly retained: RetainedEvents;
}

/** How far a writer has come, with the facts that were told then or before. */
export type KnownPosition = ReachedPosition & { readonly facts: ClusterFacts };

/** Reads what {@linkcode writeApplied} wrote. */
export function readApplied(reader: ByteReader): ReachedPosition {
  const term = reader.u53();
  const index = reader.u53();
  const clockMs = reader.u53();
  const timeMs = reader.u53();
  const hash = reader.u32();
  const config = reader.bytes();
  const hashes = Array.from(
    { length: reader.u32() },
    () => ({ index: reader.u53(), hash: reader.u32(), table: reader.text() }),
  );
  const facts = reader.u8() === 1 ? readFacts(reader) : null;
  const retained = readRetained(reader);
  const locks = readLockReport(reader);
  const tokens = reader.u8() === 1 ? readTokens(reader) : null;
  return {
    applied: { term, index },
    clockMs,
    timeMs,
    hash,
    config,
    hashes,
    facts,
    retained,
    locks,
    tokens,
  };
}

/** Encodes what is to be prepared. */
export function encodePreparation(
  { first, term, payloads }: Preparation,
): Uint8Array {
  const writer = new ByteWriter(128 * payloads.length);
  writer.u8(WriterRequest.prepare).u53(first).u53(term).u32(payloads.length);
  for (const payload of payloads) writer.bytes(payload);
  return writer.finish();
}

/** Reads what {@linkcode encodePreparation} wrote, after the kind of request. */
export function decodePreparation(reader: ByteReader): Preparation {
  const first = reader.u53();
  const term = reader.u53();
  const payloads = Array.from({ length: reader.u32() }, () => reader.bytes());
  return { first, term, payloads };
}

const OUTCOMES = 0;
const OUTCOME_KINDS: readonly PreparedEntry["kind"][] = [
  "prepared",
  "alone",
  "refused",
];

/** Appends how a preparation ended. */
export function writePrepared(
  writer: ByteWriter,
  ended: readonly PreparedEntry[] | PrepareFailedError,
): void {
  if (ended instanceof PrepareFailedError) {
    writer.u8(1 + PREPARE_REFUSALS.indexOf(ended.reason));
    writer.u32(ended.at === null ? 0 : ended.at + 1).text(ended.message);
    return;
  }
  writer.u8(OUTCOMES).u32(ended.length);
  for (const outcome of ended) {
    writer.u8(OUTCOME_KINDS.indexOf(outcome.kind));
    if (outcome.kind === "prepared") {
      writer.u32(outcome.hash).bytes(outcome.answer);
    } else if (outcome.kind === "refused") {
      writer.u8(PREPARE_REFUSALS.indexOf(outcome.reason)).text(outcome.detail);
    }
  }
}

/** Reads what {@linkcode writePrepared} wrote. */
export function readPrepared(
  reader: ByteReader,
): PreparedEntry[] | PrepareFailedError {
  const failed = reader.u8();
  if (failed !== OUTCOMES) {
    const at = reader.u32();
    const reason = PREPARE_REFUSALS[failed - 1]!;
    return new PrepareFailedError(
      reason,
      reader.text(),
      at === 0 ? null : at - 1,
    );
  }
  return Array.from({ length: reader.u32() }, (): PreparedEntry => {
    const kind = OUTCOME_KINDS[reader.u8()]!;
    switch (kind) {
      case "prepared":
        return { kind, hash: reader.u32(), answer: reader.bytes() };
      case "alone":
        return { kind };
      case "refused": {
        const reason = PREPARE_REFUSALS[reader.u8()]!;
        return { kind, reason, detail: reader.text() };
      }
    }
  });
}

/** Appends a divergence, if there is one. */
export function writeDivergence(
  writer: ByteWriter,
  divergence: Divergence | null,
): void {
  writer.u8(divergence === null ? 0 : 1);
  if (divergence === null) return;
  const { index, expected, actual } = divergence;
  writer.u53(index).u32(expected).u32(actual);
}

/** Reads what {@linkcode writeDivergence} wrote. */
export function readDivergence(reader: ByteReader): Divergence | null {
  if (reader.u8() === 0) return null;
  return {
    index: reader.u53(),
    expected: reader.u32(),
    actual: reader.u32(),
  };
}
