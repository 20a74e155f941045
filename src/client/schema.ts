import { HiqliteError } from "../errors.ts";

/** A problem a schema found. */
export interface SchemaIssue {
  /** What is wrong. */
  readonly message: string;
  /** Where, from the row inwards. */
  readonly path?:
    | readonly (PropertyKey | { readonly key: PropertyKey })[]
    | undefined;
}

/** What a schema says of a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/**
 * The part of the Standard Schema specification (version 1) that is needed
 * here; Zod, Valibot, ArkType and others implement it.
 */
export interface Schema<Output> {
  /** The contract; see standardschema.dev. */
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (
      value: unknown,
    ) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  };
}

/** Rows after the schema. @throws {HiqliteError} `invalid`, naming row and column. */
export async function parseRows<T>(
  rows: readonly unknown[],
  schema: Schema<T> | undefined,
): Promise<T[]> {
  if (schema === undefined) return rows as T[];
  const parsed: T[] = [];
  for (const [at, row] of rows.entries()) {
    const result = schema["~standard"].validate(row);
    parsed.push(
      outputOf(result instanceof Promise ? await result : result, `Row ${at}`),
    );
  }
  return parsed;
}

/** As {@linkcode parseRows}, for schemas that return at once. */
export function parseRowsSync<T>(
  rows: readonly unknown[],
  schema: Schema<T> | undefined,
): T[] {
  if (schema === undefined) return rows as T[];
  return rows.map((row, at) => {
    const result = schema["~standard"].validate(row);
    if (result instanceof Promise) {
      throw new HiqliteError(
        "invalid",
        "querySync() needs a schema that validates synchronously",
      );
    }
    return outputOf(result, `Row ${at}`);
  });
}

/** A value after the schema; `what` names it in the error. @throws {HiqliteError} `invalid` */
export async function parseOne<T>(
  value: unknown,
  schema: Schema<T>,
  what: string,
): Promise<T> {
  const result = schema["~standard"].validate(value);
  return outputOf(result instanceof Promise ? await result : result, what);
}

/** As {@linkcode parseOne}, for schemas that return at once. */
export function parseOneSync<T>(
  value: unknown,
  schema: Schema<T>,
  what: string,
): T {
  const result = schema["~standard"].validate(value);
  if (!(result instanceof Promise)) return outputOf(result, what);
  throw new HiqliteError(
    "invalid",
    "getSync() needs a schema that validates synchronously",
  );
}

function outputOf<T>(result: SchemaResult<T>, what: string): T {
  if (result.issues === undefined) return result.value;
  const problems = result.issues.slice(0, 5).map((issue) => {
    const path = (issue.path ?? []).map((part) =>
      String(typeof part === "object" ? part.key : part)
    );
    return path.length === 0
      ? issue.message
      : `${path.join(".")}: ${issue.message}`;
  });
  throw new HiqliteError(
    "invalid",
    `${what} does not match the schema: ${problems.join("; ")}`,
  );
}
