/** A run of characters as they are shown: those that would hide, or turn the text around, as escapes. */
export interface ShownPart {
  /** What is shown. */
  readonly text: string;
  /** Whether it stands for one character that is not shown itself. */
  readonly escape: boolean;
}

/**
 * Controls, lone surrogates, line separators, and what is invisible or changes the direction:
 * soft hyphen, zero-width and bidi marks, the byte order mark, tags, interlinear marks.
 */
const HIDDEN =
  // deno-lint-ignore no-control-regex -- these are what it looks for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\u{e0000}-\u{e0fff}]/u;

const SHORT: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** A text in parts: plain ones and escapes, which are drawn apart so that `\n` in a text is not taken for one. */
export function shownParts(text: string): ShownPart[] {
  const parts: ShownPart[] = [];
  let plain = "";
  for (const char of text) {
    if (!HIDDEN.test(char)) {
      plain += char;
      continue;
    }
    if (plain !== "") parts.push({ text: plain, escape: false });
    plain = "";
    parts.push({ text: escapeOf(char), escape: true });
  }
  if (plain !== "") parts.push({ text: plain, escape: false });
  return parts;
}

/** A text with its escapes, where nothing can be drawn apart: titles, labels. */
export function shownText(text: string): string {
  return shownParts(text).map((part) => part.text).join("");
}

function escapeOf(char: string): string {
  return SHORT[char] ?? `\\u{${char.codePointAt(0)!.toString(16)}}`;
}

/** A number of bytes for people: `3 B`, `1.2 kB`, `5.0 MB`. */
export function shownBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let value = bytes;
  for (const unit of ["kB", "MB", "GB"]) {
    value /= 1000;
    if (value < 999.95) return `${value.toFixed(1)} ${unit}`;
  }
  return `${(value / 1000).toFixed(1)} TB`;
}

/** An integer with its digits in groups. */
export function shownCount(count: number | bigint): string {
  return `${count}`.replaceAll(/\B(?=(\d{3})+$)/g, ",");
}
