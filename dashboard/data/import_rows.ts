import { valueToJson } from "../../src/api/json.ts";
import { call } from "../api.ts";
import { valueOfField } from "../files/csv.ts";
import { CsvReader, type CsvRecord } from "../files/csv_reader.ts";
import type { Affinity } from "../values/affinity.ts";
import type { ExactValue } from "../values/exact_value.ts";
import { realText } from "../values/literal.ts";
import { wrote } from "../state/written.ts";
import { textOf } from "./file_text.ts";

/** Rows and characters of one batch: the route takes 500 rows and about 1 MiB. */
const BATCH_ROWS = 500;
const BATCH_LENGTH = 700_000;

/** A record that was left out, and why. */
export interface BadRecord {
  readonly line: number;
  readonly message: string;
}

/** How far an import is. */
export interface ImportProgress {
  readonly inserted: number;
  readonly bad: readonly BadRecord[];
  /** How many were left out; not all of them are in the list. */
  readonly badCount: number;
  /** Bytes of the file that were read. */
  readonly bytes: number;
  /** The line of the last record that was asked to be inserted. */
  readonly line: number;
}

/** Bad records that are listed. */
const BAD_MAX = 1_000;

/** What goes where. */
export interface ImportPlan {
  readonly file: File;
  readonly table: string;
  readonly separator: string;
  /** Column by column of the file: which one of the table, or none. */
  readonly targets: readonly (ImportTarget | null)[];
  /** The first record has the names. */
  readonly header: boolean;
  /** Go on behind this line. */
  readonly afterLine: number;
  /** The key of this import: a batch that is sent again, after it is not known what became of it, is inserted once. */
  readonly key: string;
}

/** A column of the table. */
export interface ImportTarget {
  readonly name: string;
  readonly affinity: Affinity;
}

interface Batch {
  readonly rows: unknown[][];
  readonly lines: number[];
  length: number;
}

/** Inserts the records of a file in batches, in their order, each batch once. @throws {ApiError} of a batch: what came before stays. */
export async function importRows(
  plan: ImportPlan,
  told: {
    readonly signal: AbortSignal;
    readonly onProgress: (progress: ImportProgress) => void;
  },
): Promise<ImportProgress> {
  let progress: ImportProgress = {
    inserted: 0,
    bad: [],
    badCount: 0,
    bytes: 0,
    line: plan.afterLine,
  };
  const leftOut = (bad: readonly BadRecord[]): void => {
    progress = {
      ...progress,
      bad: [...progress.bad, ...bad].slice(0, BAD_MAX),
      badCount: progress.badCount + bad.length,
    };
  };
  let batch: Batch = { rows: [], lines: [], length: 0 };
  const flush = async (): Promise<void> => {
    if (batch.rows.length === 0) return;
    const sent = batch;
    batch = { rows: [], lines: [], length: 0 };
    const answer = await send(plan, sent);
    leftOut(
      answer.bad.map(({ row, message }) => ({
        line: sent.lines[row]!,
        message,
      })),
    );
    progress = {
      ...progress,
      inserted: progress.inserted + answer.inserted,
      line: sent.lines.at(-1)!,
    };
    if (answer.index !== null) wrote(answer.index);
    told.onProgress(progress);
    told.signal.throwIfAborted();
  };
  let first = plan.header;
  for await (const { record, bytes } of recordsOf(plan.file, plan.separator)) {
    progress = { ...progress, bytes };
    if (first) {
      first = false;
      continue;
    }
    if (record.line <= plan.afterLine) continue;
    const problem = problemOf(record, plan);
    if (problem !== null) {
      leftOut([{ line: record.line, message: problem }]);
      continue;
    }
    const row = rowOf(record, plan);
    batch.rows.push(row);
    batch.lines.push(record.line);
    batch.length += record.fields.reduce(
      (sum, field) => sum + field.text.length,
      20,
    );
    if (batch.rows.length === BATCH_ROWS || batch.length > BATCH_LENGTH) {
      await flush();
    }
  }
  await flush();
  return progress;
}

function problemOf(record: CsvRecord, { targets }: ImportPlan): string | null {
  if (record.problem !== null) return record.problem;
  return record.fields.length === targets.length
    ? null
    : `It has ${record.fields.length} fields, not ${targets.length}`;
}

function rowOf(record: CsvRecord, { targets }: ImportPlan): unknown[] {
  return targets.flatMap((target, at) =>
    target === null
      ? []
      : [wireValue(valueOfField(record.fields[at]!, target.affinity))]
  );
}

/** A whole REAL is marked as one: without a mark it would be an integer. */
function wireValue(value: ExactValue): unknown {
  if (value.type === "null") return null;
  return value.type === "real"
    ? {
      $float: Number.isFinite(value.value)
        ? realText(value.value)
        : `${value.value}`,
    }
    : valueToJson(value.value, "value");
}

/** A batch on its way is not ended: nobody would know whether it was inserted. */
function send(plan: ImportPlan, { rows, lines }: Batch) {
  return call("import", {
    query: { run: plan.key, file: plan.file.name },
    body: {
      table: plan.table,
      columns: plan.targets.flatMap((target) =>
        target === null ? [] : [target.name]
      ),
      rows,
    },
    idempotencyKey: `${plan.key}-${lines[0]}`,
  });
}

/** The records of a file as it is read, and how much of it that was. */
export async function* recordsOf(
  file: Blob,
  separator: string,
): AsyncGenerator<{ readonly record: CsvRecord; readonly bytes: number }> {
  const reader = new CsvReader(separator);
  for await (const { text, bytes } of textOf(file)) {
    for (const record of reader.push(text)) yield { record, bytes };
  }
  for (const record of reader.end()) yield { record, bytes: file.size };
}

/** The separator that a file's beginning has most often outside of quotes. */
export function likelySeparator(text: string): string {
  const plain = text.split("\n", 5).join("\n").replaceAll(
    /"(?:[^"]|"")*"/g,
    "",
  );
  const counts = [",", ";", "\t", "|"].map((separator) =>
    [plain.split(separator).length, separator] as const
  );
  return counts.reduce((most, each) => each[0] > most[0] ? each : most)[1];
}
