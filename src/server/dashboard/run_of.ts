import type { Context } from "@hono/hono";
import { invalid } from "../../api/json.ts";
import { type AuditRun, FILE_CHARS_MAX } from "../../node/audit_port.ts";

const RUN = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * The file that a request is a part of, by `?run=&file=`; null: it is of none. Nothing of it is counted yet.
 * @throws {HiqliteError} `invalid`
 */
export function runOf(context: Context): AuditRun | null {
  const id = context.req.query("run");
  if (id === undefined) return null;
  if (!RUN.test(id)) {
    throw invalid(
      "run",
      `expected 1 to 64 of A-Za-z0-9_-, got "${id.slice(0, 80)}"`,
    );
  }
  const file = context.req.query("file") ?? "";
  return { id, file: file.slice(0, FILE_CHARS_MAX).toWellFormed(), count: 0 };
}
