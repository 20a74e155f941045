import type { HiqliteError } from "../../errors.ts";
import { fitsInt64 } from "../../util/int64.ts";
import { validateNotices } from "./notices.ts";
import { validateReference, validateText } from "./validate_reference.ts";
import { validateFence } from "../locks/validate.ts";
import { invalidInput, tooLarge, typeNameOf } from "../wrong_input.ts";
import {
  COMMAND_LIMITS,
  type CommandBody,
  type Fenced,
  type SqlParameter,
  type SqlParameters,
  type Statement,
  type StatementReference,
} from "./types.ts";

/** A reference may only look back to statements before this one; null where there is none to look back to. */
type Before = number | null;

/**
 * Checks a command before it is proposed: shapes, types, limits and references. It
 * trusts nothing, since bodies come from the network too. What only the
 * database can know is left to apply.
 * @throws {HiqliteError} `invalid`, `too_large`.
 */
export function validateCommand(body: CommandBody): void {
  if (body !== null && typeof body === "object" && "fence" in body) {
    validateFenced(body);
  }
  switch (body?.kind) {
    case "execute":
      validateStatement(body.statement, null, "");
      return validateNotices(body.notify ?? [], 1);
    case "txn":
      validateTxn(body.statements);
      return validateNotices(body.notify ?? [], body.statements.length);
    case "notify":
      validateNotices(body.notices, 0);
      if (body.notices.length > 0) return;
      throw invalidInput("There is nothing to publish");
    case "batch":
      return validateSql(body.sql, "");
    case "migrate":
      return validateMigrations(body.migrations);
    default:
      throw invalidInput(
        `Unknown kind of command: ${
          String((body as { kind: unknown } | null)?.kind)
        }`,
      );
  }
}

/** A migration is no work that somebody holds a lock for. */
function validateFenced({ kind, fence }: CommandBody & Fenced): void {
  if (fence === undefined) return;
  if (kind === "migrate") throw invalidInput("A migration takes no fence");
  validateFence(fence);
}

/**
 * Checks a query's text and parameters.
 * @throws {HiqliteError} `invalid`, `too_large`.
 */
export function validateQuery(sql: string, params?: SqlParameters): void {
  validateSql(sql, "");
  if (params !== undefined) validateParameters(params, null, "");
}

function validateTxn(statements: readonly Statement[]): void {
  if (!Array.isArray(statements)) {
    throw invalidInput("A transaction needs a list of statements");
  }
  if (statements.length === 0) throw invalidInput("The transaction is empty");
  if (statements.length > COMMAND_LIMITS.statements) {
    throw tooLarge(
      "The transaction",
      `${statements.length} statements`,
      COMMAND_LIMITS.statements,
    );
  }
  statements.forEach((statement: Statement, at: number) =>
    validateStatement(statement, at, `Statement ${at}: `)
  );
}

function validateMigrations(
  migrations: readonly { id: number; name: string; sql: string }[],
): void {
  if (!Array.isArray(migrations) || migrations.length === 0) {
    throw invalidInput("There are no migrations");
  }
  if (migrations.length > COMMAND_LIMITS.statements) {
    throw tooLarge(
      "The request",
      `${migrations.length} migrations`,
      COMMAND_LIMITS.statements,
    );
  }
  let expected = migrations[0]?.id ?? 1;
  for (const migration of migrations) {
    if (migration === null || typeof migration !== "object") {
      throw invalidInput(`Not a migration: ${typeNameOf(migration)}`);
    }
    const { id, name, sql } = migration;
    if (!Number.isInteger(id) || id < 1 || id > 0xffff_ffff) {
      throw invalidInput(`Migration ids count from 1: ${String(id)}`);
    }
    if (id !== expected++) {
      throw invalidInput(`Migration ${expected - 1} is missing before ${id}`);
    }
    if (typeof name !== "string" || name === "" || name.length > 255) {
      throw invalidInput(`Migration ${id} needs a name of 1 to 255 characters`);
    }
    validateText(name, `Migration ${id}: the name`);
    validateSql(sql, `Migration ${id}: `);
  }
}

function validateStatement(
  statement: Statement,
  before: Before,
  where: string,
): void {
  if (statement === null || typeof statement !== "object") {
    throw invalidInput(`${where}Not a statement: ${typeNameOf(statement)}`);
  }
  validateSql(statement.sql, where);
  if (statement.params !== undefined) {
    validateParameters(statement.params, before, where);
  }
}

function validateSql(sql: string, where: string): void {
  if (typeof sql !== "string") {
    throw invalidInput(`${where}The SQL must be a string: ${typeNameOf(sql)}`);
  }
  if (sql.trim() === "") throw invalidInput(`${where}The SQL is empty`);
  if (utf8Above(sql, COMMAND_LIMITS.sqlBytes)) {
    throw tooLarge(
      `${where}The SQL`,
      `${utf8Length(sql)} bytes`,
      COMMAND_LIMITS.sqlBytes,
    );
  }
  validateText(sql, `${where}The SQL`);
}

function validateParameters(
  params: SqlParameters,
  before: Before,
  where: string,
): void {
  if (
    params === null || typeof params !== "object" ||
    ArrayBuffer.isView(params)
  ) {
    throw invalidInput(
      `${where}Parameters must be a list or an object: ${typeNameOf(params)}`,
    );
  }
  const named = !Array.isArray(params);
  const entries = named ? Object.entries(params) : params.entries();
  const count = named ? Object.keys(params).length : params.length;
  if (count > COMMAND_LIMITS.parameters) {
    throw tooLarge(
      `${where}The statement`,
      `${count} parameters`,
      COMMAND_LIMITS.parameters,
    );
  }
  for (const [name, value] of entries) {
    const label = `${where}Parameter ${named ? name : (name as number) + 1}`;
    if (named) validateText(name as string, label);
    validateParameter(value as SqlParameter, before, label);
  }
}

function validateParameter(
  value: SqlParameter,
  before: Before,
  label: string,
): void {
  switch (typeof value) {
    case "number":
    case "boolean":
      return;
    case "bigint":
      if (fitsInt64(value)) return;
      throw invalidInput(`${label} is outside of 64 bits: ${value}`);
    case "string":
      if (utf8Above(value, COMMAND_LIMITS.valueBytes)) {
        throw tooLarge(
          label,
          `${utf8Length(value)} bytes`,
          COMMAND_LIMITS.valueBytes,
        );
      }
      return validateText(value, label);
    case "object":
      return validateObject(value, before, label);
    default:
      throw noSqlType(label, value);
  }
}

/** The error of a parameter that SQLite cannot store, with what to give instead. */
export function noSqlType(label: string, value: unknown): HiqliteError {
  const instead = value instanceof Date
    ? "; give its getTime() or toISOString()"
    : typeof value === "object"
    ? "; JSON.stringify() makes a text of it"
    : "";
  return invalidInput(
    `${label} has no SQL type: ${typeNameOf(value)}${instead}`,
  );
}

function validateObject(
  value: Extract<SqlParameter, object | null>,
  before: Before,
  label: string,
): void {
  if (value === null) return;
  if (value instanceof Uint8Array) {
    if (value.length <= COMMAND_LIMITS.valueBytes) return;
    throw tooLarge(label, `${value.length} bytes`, COMMAND_LIMITS.valueBytes);
  }
  const reference = (value as { $ref?: StatementReference }).$ref;
  if (reference === undefined || reference === null) {
    throw noSqlType(label, value);
  }
  if (before === null) {
    throw invalidInput(
      `${label} refers to a statement, which only a transaction can do`,
    );
  }
  validateReference(reference, before, label);
}

function utf8Above(text: string, limit: number): boolean {
  if (text.length > limit) return true;
  return text.length * 3 > limit && utf8Length(text) > limit;
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
