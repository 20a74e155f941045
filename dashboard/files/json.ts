import { valueFromJson, valueToJson } from "../../src/api/json.ts";
import type { ExactValue } from "../values/exact_value.ts";
import { likelyValue } from "../values/exact_value.ts";
import { realText } from "../values/literal.ts";

/** A row as a line of JSON: an object by column, its values in the API's forms, and every whole REAL as `$float`. */
export function jsonRow(
  names: readonly string[],
  values: readonly ExactValue[],
): string {
  const parts = names.map((name, at) =>
    `${JSON.stringify(name)}:${JSON.stringify(jsonValue(values[at]!))}`
  );
  return `{${parts.join(",")}}`;
}

function jsonValue(value: ExactValue): unknown {
  if (value.type === "null") return null;
  const json = valueToJson(value.value, "value");
  // Of the numbers without a mark only an integer's text looks like an integer.
  const marked = value.type === "real" && typeof json === "number" &&
    Number.isInteger(json);
  return marked ? { $float: realText(value.value) } : json;
}

/** A value of such an object. @throws {HiqliteError} `invalid` for what is none. */
export function valueOfJson(json: unknown): ExactValue {
  const value = likelyValue(json);
  const float = typeof json === "object" && json !== null && "$float" in json;
  return float
    ? { type: "real", value: Number(valueFromJson(json, "value")) }
    : value;
}

/** Names that an object can have side by side: a second `id` becomes `id_2`. */
export function distinctNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let distinct = name;
    for (let n = 2; taken.has(distinct); n++) distinct = `${name}_${n}`;
    taken.add(distinct);
    return distinct;
  });
}
