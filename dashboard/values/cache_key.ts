import type { JsonKvValue } from "../../src/api/cache_json.ts";
import { bytesOfHex } from "./literal.ts";

/** A key as one reads it: its text, or its bytes in base64. */
export function keyText(key: JsonKvValue): string {
  if (typeof key === "string") return key;
  return "$blob" in key ? `base64:${key.$blob}` : key.$json;
}

/** The keys that somebody can mean who types this: bytes as `hex:00ff` or `base64:AP8=`, then the text itself. */
export function keysNamed(text: string): JsonKvValue[] {
  const bytes = bytesNamed(text);
  return bytes === null ? [text] : [{ $blob: bytes }, text];
}

/** In base64; null if it names none. */
function bytesNamed(text: string): string | null {
  const [, form, rest] = /^(hex|base64):(.+)$/.exec(text) ?? [];
  if (form === "hex") {
    const bytes = bytesOfHex(rest!);
    return bytes === null ? null : btoa(String.fromCharCode(...bytes));
  }
  try {
    return form === undefined ? null : btoa(atob(rest!));
  } catch {
    return null;
  }
}
