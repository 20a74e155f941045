import { type Entry, EntryKind } from "../../../src/raft/types.ts";
import { decodeAnswer } from "../../../src/state/answer.ts";
import { decodeEnvelope } from "../../../src/state/envelope.ts";
import { readKvAnswers } from "../../../src/state/kv/answer.ts";
import { readKvPack } from "../../../src/state/kv/command.ts";
import type { KvAnswer } from "../../../src/state/kv/types.ts";
import type { Judged } from "../dialect.ts";
import { Violation } from "../violation.ts";
import { Reference } from "./reference.ts";
import { isCounter, MAIN, mainKey } from "./units.ts";

/**
 * Everything that was committed, applied once more by the {@linkcode Reference}: all answers, what was
 * read meanwhile and all that is left must be the same. So nothing goes before its time or is
 * seen after it, nothing is given away twice, no counter misses anything, nothing makes room but the oldest.
 */
export function judge(
  { entries, answers, reads, dump }: Omit<Judged, "events">,
): void {
  const reference = new Reference();
  const waiting = reads.map((read) => ({ ...read, explained: false }));
  let clockMs = 0;
  for (const [i, entry] of entries.entries()) {
    clockMs = step(reference, entry, answers[i]!, clockMs);
    for (const read of waiting) {
      if (read.from > entry.index || read.to < entry.index) continue;
      read.explained ||= read.value === valueAt(reference, read.key);
    }
  }
  // What was read before the first entry, or lies behind the last one, is not told of.
  const wrong = waiting.find(({ from, to, explained }) =>
    from > 0 && to <= entries.length && !explained
  );
  if (wrong !== undefined) {
    throw new Violation(
      "caches",
      `key ${wrong.key} was read as ${wrong.value} at ${wrong.from}`,
    );
  }
  const there = new Set(dump.split("\n"));
  const missing = reference.lines().find((line) => !there.has(line));
  if (missing !== undefined) {
    throw new Violation("caches", `in the end there is not: ${missing}`);
  }
}

/** Applies an entry; the cluster clock after it. */
function step(
  reference: Reference,
  { index, kind, payload }: Entry,
  answer: Uint8Array,
  before: number,
): number {
  if (kind !== EntryKind.command) {
    reference.begin(before);
    return before;
  }
  const envelope = decodeEnvelope(payload);
  const clockMs = Math.max(before, envelope.clockMs);
  const answered = envelope.kind === "command" ? decodeAnswer(answer) : null;
  // Whether it is a repetition is for the clients' story to tell.
  if (answered?.refusal !== null || answered.index !== index) {
    reference.begin(clockMs);
    return clockMs;
  }
  const pack = readKvPack(envelope.body);
  const operations = pack.units.flatMap((unit) => unit.operations);
  reference.begin(clockMs, operations.length);
  const expected = reference.apply(pack, index);
  const actual = readKvAnswers(answered.body);
  if (actual.length !== expected.length) {
    throw new Violation("caches", `${actual.length} answers at ${index}`);
  }
  for (const [i, one] of expected.entries()) {
    if (textOf(one) === textOf(actual[i]!)) continue;
    throw new Violation(
      "caches",
      `unit ${i} of ${index} is answered ${textOf(actual[i]!)}, not ${
        textOf(one)
      }`,
    );
  }
  return clockMs;
}

function valueAt(reference: Reference, key: number): string {
  if (isCounter(key)) {
    const value = reference.counter(MAIN, mainKey(key))?.value ?? 0n;
    return value === 0n ? "" : String(value);
  }
  const entry = reference.entry(MAIN, mainKey(key));
  return entry === undefined ? "" : new TextDecoder().decode(entry.bytes);
}

/** An answer without what is for people. */
function textOf(answer: KvAnswer): string {
  if (answer.kind === "refused") return `refused ${answer.code}`;
  return JSON.stringify(
    answer,
    (_, value) =>
      value instanceof Uint8Array
        ? value.toHex()
        : typeof value === "bigint"
        ? String(value)
        : value,
  );
}
