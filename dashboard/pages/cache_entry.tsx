import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call, newIdempotencyKey } from "../api.ts";
import { formatBytes, formatInteger } from "../format.ts";
import { Button } from "../parts/button.tsx";
import { Confirm } from "../parts/confirm.tsx";
import { CopyButton } from "../parts/copy_button.tsx";
import { Problem } from "../parts/problem.tsx";
import { Segments } from "../parts/segments.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { useLoaded } from "../parts/use_loaded.ts";
import { isAdmin } from "../state/session.ts";
import { say } from "../state/toasts.ts";
import { whyNotWrite } from "../state/write_mode.ts";
import { keyText } from "../values/cache_key.ts";
import { indentedJson } from "../values/json_layout.ts";
import type { JsonKvEntry, JsonKvValue } from "../../src/api/cache_json.ts";
import type { JsonCacheLine } from "../../src/api/dashboard/cache.ts";

/** So many bytes are shown in hexadecimal. */
const HEX_MAX = 4096;
/** Bytes in a line: as many as a phone has room for. */
const HEX_LINE = 8;

/** What an entry takes to be shown and changed. */
interface EntryProps {
  readonly cache: string;
  readonly line: JsonCacheLine;
  readonly onClose: () => void;
  /** It is another one now, or gone. */
  readonly onChanged: () => void;
}

/** The value of a key; saved only if nobody changed it since. */
export function CacheEntry(props: EntryProps): VNode {
  const { cache, line } = props;
  const { value, error, reload } = useLoaded(async (signal) => {
    const answer = await call("cacheGet", {
      body: { cache, keys: [line.key] },
      signal,
    });
    return (answer as { readonly entries: readonly (JsonKvEntry | null)[] })
      .entries[0] ?? null;
  }, [cache, line]);
  const text = keyText(line.key);
  return (
    <section class="card entry" aria-label={`Value of ${text}`}>
      <header>
        <h2 class="break mono">{text}</h2>
        <CopyButton text={text} label="Copy the key" />
        <div class="end">
          <Button look="plain" icon="x" label="Close" onClick={props.onClose} />
        </div>
      </header>
      <div class="inside">
        {error !== null
          ? <Problem error={error} />
          : value === null
          ? <Skeleton lines={5} />
          : (
            <Value
              key={value.version}
              {...props}
              entry={value}
              reload={() => {
                reload();
                props.onChanged();
              }}
            />
          )}
      </div>
    </section>
  );
}

function Value(
  { cache, line, entry, reload, onChanged, onClose }: EntryProps & {
    readonly entry: JsonKvEntry;
    readonly reload: () => void;
  },
): VNode {
  const original = shownOf(entry.value);
  const [text, setText] = useState(original);
  const [error, setError] = useState<unknown>(null);
  const write = (op: object): Promise<unknown> =>
    call("cacheWrite", {
      body: {
        ops: [{ ...op, cache, key: line.key, if_version: entry.version }],
      },
      idempotencyKey: newIdempotencyKey(),
    });
  const save = async (): Promise<void> => {
    setError(null);
    try {
      const value = line.kind === "json" ? { $json: text } : text;
      await write({ op: "put", value, keep_ttl: true });
      say("Saved.");
      reload();
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <div class="stack">
      <Shown
        line={line}
        entry={entry}
        text={text}
        onChange={setText}
      />
      {error === null ? null : (
        <Problem
          error={error}
          actions={<Button compact onClick={reload}>Load it again</Button>}
        />
      )}
      {isAdmin.value
        ? (
          <Changes
            line={line}
            unchanged={text === original}
            save={save}
            remove={async () => {
              await write({ op: "delete" });
              say("Deleted.");
              onClose();
              onChanged();
            }}
          />
        )
        : null}
    </div>
  );
}

/** A value as text to edit, or as hexadecimal to look at. */
function Shown(
  { line, entry, text, onChange }: {
    readonly line: JsonCacheLine;
    readonly entry: JsonKvEntry;
    readonly text: string;
    readonly onChange: (text: string) => void;
  },
): VNode {
  const [as, setAs] = useState<"text" | "hex">(
    line.kind === "bytes" ? "hex" : "text",
  );
  return (
    <>
      <div class="actions">
        <Segments
          label="Shown as"
          value={as}
          onChange={setAs}
          options={[
            { value: "text", label: line.kind === "json" ? "JSON" : "Text" },
            { value: "hex", label: "Hex" },
          ]}
        />
        <span class="faint">
          {formatBytes(line.size)} · version {formatInteger(entry.version)}
        </span>
      </div>
      {as === "hex" ? <pre class="code">{hexOf(entry.value)}</pre> : (
        <textarea
          class="input"
          aria-label="Value"
          rows={12}
          spellcheck={false}
          readOnly={line.kind === "bytes" || whyNotWrite.value !== null}
          value={text}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </>
  );
}

function Changes(
  { line, unchanged, save, remove }: {
    readonly line: JsonCacheLine;
    readonly unchanged: boolean;
    readonly save: () => Promise<void>;
    readonly remove: () => Promise<void>;
  },
): VNode {
  const [asked, setAsked] = useState(false);
  const off = whyNotWrite.value;
  const unsaved = line.kind === "bytes"
    ? "Bytes cannot be edited here"
    : unchanged
    ? "Nothing was changed"
    : null;
  return (
    <div class="actions">
      <Button
        look="primary"
        refused={off ?? unsaved}
        onClick={() => void save()}
      >
        Save
      </Button>
      <Button refused={off} onClick={() => setAsked(true)}>Delete …</Button>
      {asked
        ? (
          <Confirm
            danger
            title="Delete this key"
            verb="Delete"
            act={remove}
            onClose={() => setAsked(false)}
          >
            <p class="break mono">{keyText(line.key)}</p>
          </Confirm>
        )
        : null}
    </div>
  );
}

/** JSON is shown with its lines indented, whoever wrote it. */
function shownOf(value: JsonKvValue): string {
  return typeof value === "object" && "$json" in value
    ? indentedJson(value.$json)
    : textOf(value);
}

function textOf(value: JsonKvValue): string {
  if (typeof value === "string") return value;
  return "$json" in value ? value.$json : `base64:${value.$blob}`;
}

/** `0000  68 65 6c 6c 6f …  hello` */
function hexOf(value: JsonKvValue): string {
  const bytes = typeof value === "object" && "$blob" in value
    ? Uint8Array.from(atob(value.$blob), (letter) => letter.charCodeAt(0))
    : new TextEncoder().encode(textOf(value));
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, HEX_MAX); at += HEX_LINE) {
    const row = [...bytes.subarray(at, at + HEX_LINE)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·"
    ).join("");
    lines.push(
      `${at.toString(16).padStart(4, "0")}  ${
        hex.padEnd(3 * HEX_LINE - 1)
      }  ${text}`,
    );
  }
  if (bytes.length > HEX_MAX) {
    lines.push(`… and ${formatBytes(bytes.length - HEX_MAX)} more`);
  }
  return lines.join("\n");
}
