import type { VNode } from "preact";
import type { ExactValue } from "../values/exact_value.ts";
import { realText } from "../values/literal.ts";
import { shownBytes, shownParts } from "../values/shown.ts";

/** Characters of a text that a cell draws. */
const DRAWN_MAX = 256;

/** A value in a line: NULL, an empty text and a blob look like nothing else. */
export function ValueView(
  { value, bytes, whole = true }: {
    readonly value: ExactValue;
    /** Bytes of the whole value, if only its beginning is here. */
    readonly bytes?: number;
    readonly whole?: boolean;
  },
): VNode {
  switch (value.type) {
    case "null":
      return <i class="null">NULL</i>;
    case "integer":
      return <>{`${value.value}`}</>;
    case "real":
      return <>{realText(value.value)}</>;
    case "blob":
      return (
        <span class="chip">blob {shownBytes(bytes ?? value.value.length)}</span>
      );
    case "text":
      if (value.value === "" && whole) return <i class="null">empty</i>;
      return (
        <>
          <ShownText text={value.value.slice(0, DRAWN_MAX)} />
          {whole && value.value.length <= DRAWN_MAX
            ? null
            : <i class="null">…</i>}
        </>
      );
  }
}

/** A text whose hidden characters are drawn as escapes. */
export function ShownText({ text }: { readonly text: string }): VNode {
  const parts = shownParts(text);
  if (parts.length === 1 && !parts[0]!.escape) return <>{text}</>;
  return (
    <>
      {parts.map((part, at) =>
        part.escape
          ? <span key={at} class="escape">{part.text}</span>
          : part.text
      )}
    </>
  );
}
