import { foldName, quotedName } from "../../src/state/sqlite/statement/text.ts";
import { type Affinity, valueAsWritten } from "../values/affinity.ts";
import {
  type BoundSql,
  boundValue,
  type ExactValue,
} from "../values/exact_value.ts";
import { literalOf, valueOfLiteral } from "../values/literal.ts";
import { joined } from "./bound.ts";

/** How a filter compares: `~` finds a part of a text, letters of ASCII in either case. */
export type FilterOperator = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~";

/** A condition on rows. */
export type Filter =
  | {
    readonly kind: "compare";
    readonly column: string;
    readonly operator: FilterOperator;
    readonly value: ExactValue;
  }
  /** SQL as somebody wrote it. */
  | { readonly kind: "sql"; readonly sql: string };

/** A column that can be filtered by. */
export interface FilterColumn {
  readonly name: string;
  readonly affinity: Affinity;
}

/** A filter, or what is wrong with its text. */
export type FilterReading =
  | { readonly filter: Filter }
  | { readonly problem: string };

const HOW =
  'Write a column, one of = != < <= > >= ~ !~ and a value, "column is null", or "where" and a condition in SQL.';

/**
 * Reads `status = open`, `"a column" >= 2.5`, `name ~ part`, `x is not null`, `where a + b > 3`. A value without quotes
 * is what it means for its column; `'text'`, `x'00'` and `null` are what they say.
 */
export function readFilter(
  text: string,
  columns: readonly FilterColumn[],
): FilterReading {
  const trimmed = text.trim();
  const raw = /^where\s+(?![=!<>~])([\s\S]+)$/i.exec(trimmed);
  if (raw !== null) return { filter: { kind: "sql", sql: raw[1]! } };
  const found =
    /^("(?:[^"]|"")+"|[^\s=!<>~]+)\s*(is\s+not\b|is\b|=|!=|<>|<=|>=|<|>|!~|~)\s*([\s\S]*)$/i
      .exec(trimmed);
  if (found === null) return { problem: HOW };
  const name = unquoted(found[1]!);
  const column = columns.find((each) => foldName(each.name) === foldName(name));
  if (column === undefined) {
    return { problem: `There is no column ${name}. ${HOW}` };
  }
  return compared(column, operatorOf(found[2]!), found[3]!.trim());
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

function operatorOf(text: string): FilterOperator {
  const word = text.toLowerCase().replaceAll(/\s+/g, " ");
  if (word === "is") return "=";
  if (word === "is not" || word === "<>") return "!=";
  return word as FilterOperator;
}

function compared(
  column: FilterColumn,
  operator: FilterOperator,
  text: string,
): FilterReading {
  if (text === "") {
    return { problem: "The value is missing: write '' for an empty text." };
  }
  const value = valueOf(text, column.affinity, operator);
  if (value.type === "null" && operator !== "=" && operator !== "!=") {
    return { problem: `Nothing is ${operator} null: use = or !=.` };
  }
  return {
    filter: { kind: "compare", column: column.name, operator, value },
  };
}

function valueOf(
  text: string,
  affinity: Affinity,
  operator: FilterOperator,
): ExactValue {
  const partOf = operator === "~" || operator === "!~";
  return explicitValue(text) ??
    (partOf ? { type: "text", value: text } : valueAsWritten(text, affinity));
}

/** `'text'`, `x'00'` and `null` are what they say. */
function explicitValue(text: string): ExactValue | null {
  const literal = valueOfLiteral(text);
  if (literal === null) return null;
  return /^x?'/i.test(text) || literal.type === "null" ? literal : null;
}

/** What somebody means who types this for a column: as in filters. */
export function typedValue(text: string, affinity: Affinity): ExactValue {
  return explicitValue(text) ?? valueAsWritten(text, affinity);
}

/** A value as text that {@linkcode typedValue} reads as the same value, whatever the column is. */
export function valueText(value: ExactValue): string {
  return value.type === "integer" ? `${value.value}` : literalOf(value);
}

/** A filter as text that {@linkcode readFilter} reads as the same filter. */
export function filterText(filter: Filter): string {
  if (filter.kind === "sql") return `where ${filter.sql}`;
  const name = /^[A-Za-z_][A-Za-z0-9_]*$/.test(filter.column) &&
      !/^where$/i.test(filter.column)
    ? filter.column
    : quotedName(filter.column);
  return `${name} ${filter.operator} ${valueText(filter.value)}`;
}

/** The condition of all filters together, or null. */
export function filtersSql(filters: readonly Filter[]): BoundSql | null {
  if (filters.length === 0) return null;
  return joined(filters.map(filterSql), " AND ");
}

function filterSql(filter: Filter): BoundSql {
  // A comment at its end must not swallow what follows.
  if (filter.kind === "sql") return { sql: `(${filter.sql}\n)`, params: [] };
  const column = quotedName(filter.column);
  const { operator, value } = filter;
  if (operator === "~" || operator === "!~") {
    const part = `${value.type === "null" ? "" : value.value}`;
    const pattern = `%${part.replaceAll(/[\\%_]/g, "\\$&")}%`;
    const not = operator === "~" ? "" : "NOT ";
    return {
      sql: `${column} ${not}LIKE ? ESCAPE '\\'`,
      params: [pattern],
    };
  }
  const comparison = operator === "="
    ? "IS"
    : operator === "!="
    ? "IS NOT"
    : operator;
  return joined([`${column} ${comparison} `, boundValue(value)]);
}
