/** A JSON Schema, as OpenAPI 3.1 has it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Schemas by the name that {@linkcode reference} gives them. */
export type NamedSchemas = Readonly<Record<string, JsonSchema>>;

/** Any string. */
export const TEXT: JsonSchema = { type: "string" };
/** Any integer. */
export const INTEGER: JsonSchema = { type: "integer" };
/** True or false. */
export const BOOLEAN: JsonSchema = { type: "boolean" };

/** An object with these properties. */
export function object(
  properties: NamedSchemas,
  required: readonly string[] = [],
): JsonSchema {
  return {
    type: "object",
    properties,
    ...(required.length > 0 ? { required } : {}),
  };
}

/** An array of these items. */
export function arrayOf(items: JsonSchema): JsonSchema {
  return { type: "array", items };
}

/** A schema that stands in the document under its name. */
export function reference(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}
