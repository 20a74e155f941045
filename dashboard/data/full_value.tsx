import type { VNode } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { ShownText, ValueView } from "../grid/value_view.tsx";
import { Button } from "../parts/button.tsx";
import { CopyButton } from "../parts/copy_button.tsx";
import { plainText } from "../files/formats.ts";
import { saveFile } from "../files/save.ts";
import type { ExactValue } from "../values/exact_value.ts";
import { hexOf } from "../values/literal.ts";
import { shownBytes, shownCount } from "../values/shown.ts";

/** Characters of a text, and bytes of a blob, that are drawn. */
const TEXT_MAX = 20_000;
const BYTES_MAX = 512;

/** A value as a whole: texts with their lines, JSON in order, bytes in hex, pictures. */
export function FullValue(
  { value, name }: { readonly value: ExactValue; readonly name: string },
): VNode {
  if (value.type === "blob") return <Blob value={value.value} name={name} />;
  if (value.type !== "text" || value.value === "") {
    return (
      <div class="full-value mono">
        <ValueView value={value} />
      </div>
    );
  }
  return <Text text={value.value} />;
}

function Text({ text }: { readonly text: string }): VNode {
  const pretty = useMemo(() => prettyJson(text), [text]);
  const shown = (pretty ?? text).slice(0, TEXT_MAX);
  const lines = shown.split("\n");
  return (
    <div class="full-value">
      <div class="code">
        {lines.map((line, at) => (
          <div key={at}>
            <ShownText text={line} />
          </div>
        ))}
      </div>
      <div class="about">
        <span class="faint">
          {pretty === null ? "" : "JSON, "}
          {shownCount(text.length)} characters
          {shown.length < (pretty ?? text).length
            ? `, the first ${shownCount(TEXT_MAX)} here`
            : ""}
        </span>
        <CopyButton
          text={plainText({ type: "text", value: text })}
          label="Copy the text"
        />
      </div>
    </div>
  );
}

/** Numbers that would be rounded stay as they are written: then it is no pretty JSON. */
function prettyJson(text: string): string | null {
  if (!/^\s*[[{]/.test(text) || text.length > TEXT_MAX) return null;
  if (/\d{16}/.test(text)) return null;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}

function Blob(
  { value, name }: { readonly value: Uint8Array; readonly name: string },
): VNode {
  const type = pictureType(value);
  const bytes = value.subarray(0, BYTES_MAX);
  const hex = hexOf(bytes).replaceAll(/(.{32})/g, "$1\n").replaceAll(
    /([0-9a-f]{2})(?=[0-9a-f])/g,
    "$1 ",
  );
  return (
    <div class="full-value">
      {type === null ? null : <Picture bytes={value} type={type} />}
      {value.length === 0
        ? <i class="null">no bytes</i>
        : <pre class="code">{hex.trimEnd()}</pre>}
      <div class="about">
        <span class="faint">
          {shownBytes(value.length)}
          {value.length > BYTES_MAX ? `, the first ${BYTES_MAX} here` : ""}
        </span>
        <Button
          compact
          icon="download"
          onClick={() =>
            saveFile(
              [value as Uint8Array<ArrayBuffer>],
              `${fileStem(name)}.bin`,
            )}
        >
          Download
        </Button>
      </div>
    </div>
  );
}

/** A name that is safe for a file, made of another one. */
export function fileStem(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]+/g, "_").slice(0, 60) || "value";
}

/** Only what begins as these do is shown as a picture: never SVG, never a document. */
function pictureType(bytes: Uint8Array): string | null {
  const hex = hexOf(bytes.subarray(0, 12));
  if (hex.startsWith("89504e470d0a1a0a")) return "image/png";
  if (hex.startsWith("ffd8ff")) return "image/jpeg";
  if (hex.startsWith("474946383961") || hex.startsWith("474946383761")) {
    return "image/gif";
  }
  return hex.startsWith("52494646") && hex.slice(16) === "57454250"
    ? "image/webp"
    : null;
}

function Picture(
  { bytes, type }: { readonly bytes: Uint8Array; readonly type: string },
): VNode | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    const made = URL.createObjectURL(
      new globalThis.Blob([bytes as Uint8Array<ArrayBuffer>], { type }),
    );
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [bytes, type]);
  return url === null ? null : <img src={url} alt={`Picture, ${type}`} />;
}
