import type { JsonResult } from "../result.ts";

/** The body of `POST sql/query`. Closing the request ends the query. */
export interface JsonDashboardQuery {
  readonly sql: string;
  /** As in `/api/v1/query`. */
  readonly params?: unknown;
  /** @default {"local"} */
  readonly consistency?: "local" | "linearizable";
  /** Wait until this index is applied here. */
  readonly min_index?: number;
  /** Rows that are shown, 1 to 5,000; `more` says whether there are others. @default {1_000} */
  readonly limit?: number;
}

/** The answer of `POST sql/query`. */
export interface JsonDashboardRows {
  readonly columns: readonly string[];
  /** Values as in `/api/v1/query`: `$int`, `$float`, `$blob`. */
  readonly rows: readonly (readonly unknown[])[];
  /** There are more rows than the limit. */
  readonly more: boolean;
  /** What was read contains at least this index. */
  readonly index: number;
  /** How long it took here, ms. */
  readonly ms: number;
  /** The node that answered. */
  readonly node_id: number;
}

/** The body of `POST sql/write`; the header `Idempotency-Key` is asked for. */
export interface JsonDashboardWrite {
  /** As in `/api/v1/txn`, with `$ref` in parameters. */
  readonly statements: readonly {
    readonly sql: string;
    readonly params?: unknown;
  }[];
}

/** The answer of `POST sql/write`; errors as in the API, with `error.statement` and `index`. */
export interface JsonDashboardWritten {
  readonly results: readonly JsonResult[];
  /** Its place in the log. */
  readonly index: number;
}

/** The body of `POST sql/export`. */
export interface JsonDashboardExport {
  readonly sql: string;
  readonly params?: unknown;
}

/**
 * A line of the answer of `POST sql/export`, which is `application/x-ndjson`: the columns, then each row as an array of
 * values as in `/api/v1/query`, then the end. Without an end the export broke off.
 */
export type JsonExportLine =
  | { readonly columns: readonly string[] }
  | readonly unknown[]
  | { readonly end: true; readonly rows: number; readonly index: number }
  | { readonly error: { readonly code: string; readonly message: string } };

/** The body of `POST sql/import`; the header `Idempotency-Key` is asked for, one for each batch. */
export interface JsonDashboardImport {
  readonly table: string;
  readonly columns: readonly string[];
  /** 1 to 500 rows of as many values as columns, about 1 MiB together. What is marked `$float` becomes a REAL, also 2.0. */
  readonly rows: readonly (readonly unknown[])[];
}

/** The answer of `POST sql/import`. */
export interface JsonDashboardImported {
  readonly inserted: number;
  /** Rows that were left out, by their place in the batch, from 0. */
  readonly bad: readonly {
    readonly row: number;
    readonly code: string;
    readonly message: string;
  }[];
  /** Null if no row was inserted. */
  readonly index: number | null;
}
