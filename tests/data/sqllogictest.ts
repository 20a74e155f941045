import { createHash } from "node:crypto";
import type { SqlValue } from "../../src/state/sql/types.ts";

/** What a script runs against. */
export interface SqlExecutor {
  /** Runs a statement; rejects or throws if it fails. */
  execute(sql: string): Promise<unknown>;
  /** Rows of a query; rejects or throws if it fails. */
  query(sql: string): Promise<readonly (readonly SqlValue[])[]>;
}

/** A record of a script. */
type Script =
  & {
    readonly line: number;
    readonly sql: string;
  }
  & (
    | { readonly kind: "statement"; readonly succeeds: boolean }
    | {
      readonly kind: "query";
      /** I, R or T per column. */
      readonly types: string;
      readonly sort: string;
      readonly label: string | null;
      readonly expected: readonly string[];
    }
  );

/** What a script did. */
export interface Tally {
  statements: number;
  queries: number;
  skipped: number;
}

const DATABASE = "sqlite";
const HASHED = /^(\d+) values hashing to ([0-9a-f]{32})$/;

/** Reads a script in the sqllogictest format; records for other databases are counted in `tally`. */
export function* parseScript(text: string, tally: Tally): Generator<Script> {
  const lines = text.split(/\r?\n/);
  let at = 0;
  let skip = false;
  while (at < lines.length) {
    const line = at + 1;
    const words = lines[at++]!.replace(/(^|\s)#.*$/, "").trim().split(/\s+/);
    switch (words[0]) {
      case "":
      case "hash-threshold":
        continue;
      case "halt":
        if (!skip) return;
        skip = false;
        continue;
      case "skipif":
        skip ||= words[1] === DATABASE;
        continue;
      case "onlyif":
        skip ||= words[1] !== DATABASE;
        continue;
    }
    const block: string[] = [];
    while (at < lines.length && lines[at] !== "") block.push(lines[at++]!);
    if (skip) {
      skip = false;
      tally.skipped++;
      continue;
    }
    if (words[0] === "statement") {
      yield {
        kind: "statement",
        line,
        sql: block.join("\n"),
        succeeds: words[1] === "ok",
      };
    } else if (words[0] === "query") {
      const separator = block.indexOf("----");
      yield {
        kind: "query",
        line,
        sql: block.slice(0, separator < 0 ? undefined : separator).join("\n"),
        types: words[1]!,
        sort: words[2] ?? "nosort",
        label: words[3] ?? null,
        expected: separator < 0 ? [] : block.slice(separator + 1),
      };
    } else {
      throw new Error(`Line ${line}: unknown record ${words[0]}`);
    }
  }
}

/**
 * Runs a script, of its queries every `every`-th, and compares each result with what it expects.
 * @throws {Error} naming the line of the first difference.
 */
export async function runScript(
  text: string,
  executor: SqlExecutor,
  every = 1,
): Promise<Tally> {
  const tally: Tally = { statements: 0, queries: 0, skipped: 0 };
  const labels = new Map<string, string>();
  for (const record of parseScript(text, tally)) {
    const { line, sql } = record;
    if (record.kind === "statement") {
      tally.statements++;
      const error = await executor.execute(sql).then(() => null, String);
      if ((error === null) !== record.succeeds) {
        throw new Error(`Line ${line}: ${error ?? "no error"} for ${sql}`);
      }
      continue;
    }
    if (tally.queries++ % every !== 0) continue;
    const rows = await executor.query(sql).catch((error) => {
      throw new Error(`Line ${line}: ${error} for ${sql}`);
    });
    const values = arrange(rows, record.types, record.sort);
    const hash = hashOf(values);
    const hashed = HASHED.exec(record.expected[0] ?? "");
    const equal = hashed !== null
      ? Number(hashed[1]) === values.length && hashed[2] === hash
      : values.join("\n") === record.expected.join("\n");
    if (!equal) {
      throw new Error(
        `Line ${line}: ${values.length} values (${hash}) instead of ${
          record.expected.join(" ")
        } for ${sql}`,
      );
    }
    if (record.label === null) continue;
    const labelled = labels.get(record.label);
    if (labelled !== undefined && labelled !== hash) {
      throw new Error(`Line ${line}: another result for ${record.label}`);
    }
    labels.set(record.label, hash);
  }
  return tally;
}

function arrange(
  rows: readonly (readonly SqlValue[])[],
  types: string,
  sort: string,
): string[] {
  const rendered = rows.map((row) => {
    if (row.length !== types.length) {
      throw new Error(`${row.length} columns instead of ${types.length}`);
    }
    return row.map((value, i) => render(value, types[i]!));
  });
  if (sort === "rowsort") {
    rendered.sort((a, b) => {
      for (let i = 0; i < a.length; i++) {
        if (a[i]! !== b[i]!) return a[i]! < b[i]! ? -1 : 1;
      }
      return 0;
    });
  }
  const values = rendered.flat();
  return sort === "valuesort" ? values.sort() : values;
}

function render(value: SqlValue, type: string): string {
  if (value === null) return "NULL";
  if (type === "I") {
    return typeof value === "bigint"
      ? String(value)
      : String(Math.trunc(Number(value)) || 0);
  }
  if (type === "R") return Number(value).toFixed(3);
  const text = value instanceof Uint8Array
    ? new TextDecoder().decode(value)
    : String(value);
  return text === "" ? "(empty)" : text.replace(/[^ -~]/g, "@");
}

function hashOf(values: readonly string[]): string {
  const hash = createHash("md5");
  for (const value of values) hash.update(`${value}\n`);
  return hash.digest("hex");
}
