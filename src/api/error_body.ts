import { type ErrorCode, HTTP_STATUS } from "../errors.ts";
import {
  arrayOf,
  INTEGER,
  type NamedSchemas,
  object,
  reference,
  TEXT,
} from "./json_schema.ts";
import type { JsonResult } from "./result.ts";

/** The schema of an error. */
export const ERROR_SCHEMAS: NamedSchemas = {
  Error: object({
    error: object({
      code: { enum: Object.keys(HTTP_STATUS) },
      message: TEXT,
      statement: INTEGER,
    }, ["code", "message"]),
    results: arrayOf(reference("Result")),
    index: reference("Index"),
  }, ["error"]),
};

/** An error in JSON. */
export interface JsonError {
  readonly code: ErrorCode;
  readonly message: string;
  /** Which statement of a transaction or batch, from 0. */
  readonly statement?: number;
}

/** The body of a response that is an error. */
export interface ErrorBody {
  readonly error: JsonError;
  /** What a batch that was refused has kept. */
  readonly results?: readonly JsonResult[];
  /** Where a refused write stands in the log. */
  readonly index?: number;
}

/** The error in a body; undefined if it is none of this API. */
export function errorOf(body: unknown): JsonError | undefined {
  const { error } = (body ?? {}) as Partial<ErrorBody>;
  return typeof error === "object" && error !== null &&
      Object.hasOwn(HTTP_STATUS, error.code)
    ? error
    : undefined;
}
