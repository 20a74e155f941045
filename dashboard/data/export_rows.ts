import type { JsonExportLine } from "../../src/api/dashboard/sql.ts";
import { ApiError, request } from "../api.ts";
import { type FileFormat, fileWriter } from "../files/formats.ts";
import { linesOf } from "../files/lines.ts";
import type { BoundSql, ExactValue } from "../values/exact_value.ts";

/** What is written into a file, and how. */
export interface ExportJob {
  readonly query: BoundSql;
  readonly format: FileFormat;
  readonly spreadsheets: boolean;
  readonly table: string;
  readonly ddl: string | null;
  /** The names of the columns, of those that the query gives. */
  readonly names: (columns: readonly string[]) => readonly string[];
  /** The values of a row. */
  readonly values: (row: readonly unknown[]) => readonly ExactValue[];
}

/** Characters that are collected before they become a part of the file. */
const PART_LENGTH = 1 << 20;

/** Reads all rows as they come and makes a file of them. @throws {ApiError} also if the rows broke off. */
export async function exportRows(
  job: ExportJob,
  told: {
    readonly signal: AbortSignal;
    readonly onRows: (rows: number) => void;
  },
): Promise<{ readonly parts: Blob[]; readonly rows: number }> {
  const { sql, params } = job.query;
  const response = await request("export", {
    body: { sql, params },
    signal: told.signal,
  });
  const parts: Blob[] = [];
  let text = "";
  let rows = 0;
  let writer: ReturnType<typeof fileWriter> | null = null;
  for await (const line of linesOf(response.body!)) {
    if (line === "") continue;
    const read = JSON.parse(line) as JsonExportLine;
    if (isRow(read)) {
      text += writer!.row(job.values(read), rows === 0);
      rows++;
      if (rows % 1000 === 0) told.onRows(rows);
    } else if ("columns" in read) {
      writer = fileWriter(job.format, {
        ...job,
        names: job.names(read.columns),
      });
      text = writer.begin;
    } else if ("error" in read) {
      throw new ApiError(read.error.code, read.error.message, 200, read);
    } else {
      parts.push(new Blob([text + (writer?.end ?? "")]));
      return { parts, rows: read.rows };
    }
    if (text.length > PART_LENGTH) {
      // Blobs are kept outside of the page's memory.
      parts.push(new Blob([text]));
      text = "";
    }
  }
  throw new ApiError(
    "unreachable",
    `The export broke off after ${rows} rows: there is no file`,
    0,
  );
}

function isRow(line: JsonExportLine): line is readonly unknown[] {
  return Array.isArray(line);
}
