import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { JsonSchemaObject } from "../../src/api/dashboard/schema.ts";
import { foldName } from "../../src/state/sqlite/statement/text.ts";
import type { CsvRecord } from "../files/csv_reader.ts";
import { newIdempotencyKey } from "../api.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Problem } from "../parts/problem.tsx";
import { Table } from "../parts/table.tsx";
import { href } from "../route.ts";
import { affinityOf } from "../values/affinity.ts";
import { shownBytes, shownCount, shownText } from "../values/shown.ts";
import { FileChoice } from "./file_choice.tsx";
import {
  type ImportProgress,
  importRows,
  type ImportTarget,
  likelySeparator,
  recordsOf,
} from "./import_rows.ts";

const PREVIEW_RECORDS = 8;
const SEPARATORS: readonly (readonly [string, string])[] = [
  [",", "comma"],
  [";", "semicolon"],
  ["\t", "tab"],
  ["|", "bar"],
];

interface Chosen {
  readonly file: File;
  readonly separator: string;
  readonly header: boolean;
  readonly preview: readonly CsvRecord[];
}

/** A CSV file into a table: a look at its beginning, where its columns go, and how far it is. */
export function ImportDialog(
  { object, onClose }: {
    readonly object: JsonSchemaObject;
    readonly onClose: () => void;
  },
): VNode {
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [targets, setTargets] = useState<readonly (string | null)[]>([]);
  const [problem, setProblem] = useState<unknown>(null);
  const { progress, state, error, start, stop } = useImport(object);
  const columns = object.columns.filter(({ generated, hidden }) =>
    generated === "no" && !hidden
  ).map(({ name }) => name);
  const look = async (
    file: File,
    separator?: string,
    header = true,
  ): Promise<void> => {
    setProblem(null);
    try {
      const next = await lookInto(file, separator, header);
      setChosen(next);
      setTargets(targetsOf(next.preview[0], header, columns));
    } catch (wrong) {
      setProblem(wrong);
    }
  };
  const mapped = targets.filter((name) => name !== null).length;
  return (
    <Dialog
      wide
      title={`Import CSV into ${shownText(object.name)}`}
      onClose={onClose}
      onSubmit={() => void start(chosen, targets)}
      actions={
        <ImportButtons
          state={state}
          ready={chosen !== null && mapped > 0}
          onStop={stop}
          onClose={onClose}
        />
      }
    >
      <FileChoice
        accept=".csv,.tsv,.txt,text/csv"
        disabled={state !== "ready"}
        onFile={(file) => void look(file)}
      />
      {chosen === null || state !== "ready" ? null : (
        <Mapping
          chosen={chosen}
          targets={targets}
          columns={columns}
          onTargets={setTargets}
          onLook={(separator, header) =>
            void look(chosen.file, separator, header)}
        />
      )}
      {progress === null ? null : (
        <Progress
          progress={progress}
          size={chosen?.file.size ?? 0}
          state={state}
        />
      )}
      <Outcome error={error ?? problem} />
    </Dialog>
  );
}

function Outcome({ error }: { readonly error: unknown }): VNode {
  return error === null
    ? (
      <p class="faint">
        In batches of 500 rows. Rows that the table refuses are left out and
        listed with their lines. A file of SQL is run on the{" "}
        <a href={href("sql")}>SQL page</a>.
      </p>
    )
    : <Problem error={error} />;
}

/** The beginning of a file, with the separator that it seems to have. */
async function lookInto(
  file: File,
  separator: string | undefined,
  header: boolean,
): Promise<Chosen> {
  const by = separator ?? likelySeparator(await file.slice(0, 20_000).text());
  const preview: CsvRecord[] = [];
  for await (const { record } of recordsOf(file, by)) {
    if (preview.push(record) > PREVIEW_RECORDS) break;
  }
  return { file, separator: by, header, preview };
}

type ImportState = "ready" | "running" | "stopped" | "done";

/** An import that can be stopped after a batch, and go on behind it. */
function useImport(object: JsonSchemaObject) {
  const [progress, setProgress] = useState<ImportProgress | null>(null);
  const [state, setState] = useState<ImportState>("ready");
  const [error, setError] = useState<unknown>(null);
  const running = useRef<AbortController | null>(null);
  const key = useRef(newIdempotencyKey());
  useEffect(() => () => running.current?.abort(), []);
  const start = async (
    chosen: Chosen | null,
    targets: readonly (string | null)[],
  ): Promise<void> => {
    if (chosen === null || state === "running" || state === "done") return;
    const stop = new AbortController();
    running.current = stop;
    setState("running");
    setError(null);
    const before = progress;
    try {
      const end = await importRows({
        ...chosen,
        table: object.name,
        targets: targets.map((name) => targetOf(name, object)),
        afterLine: before?.line ?? 0,
        key: key.current,
      }, {
        signal: stop.signal,
        onProgress: (now) => setProgress(sum(before, now)),
      });
      setProgress(sum(before, end));
      setState("done");
    } catch (problem) {
      setState("stopped");
      if (!stop.signal.aborted) setError(problem);
    }
  };
  return {
    progress,
    state,
    error,
    start,
    stop: () => running.current?.abort(),
  };
}

function ImportButtons(
  { state, ready, onStop, onClose }: {
    readonly state: ImportState;
    readonly ready: boolean;
    readonly onStop: () => void;
    readonly onClose: () => void;
  },
): VNode {
  if (state === "done") {
    return <Button look="primary" onClick={onClose}>Close</Button>;
  }
  return (
    <>
      <Button onClick={onClose}>Cancel</Button>
      {state === "running" ? <Button onClick={onStop}>Stop</Button> : null}
      <Button
        submit
        look="primary"
        icon="upload"
        disabled={!ready || state === "running"}
      >
        {state === "stopped" ? "Go on" : "Import"}
      </Button>
    </>
  );
}

/** What an attempt before this one did, too. */
function sum(
  before: ImportProgress | null,
  now: ImportProgress,
): ImportProgress {
  return before === null ? now : {
    ...now,
    inserted: before.inserted + now.inserted,
    bad: [...before.bad, ...now.bad.filter(({ line }) => line > before.line)],
    badCount: before.badCount + now.badCount,
  };
}

/** By the names in the first record; without names, by place. */
function targetsOf(
  first: CsvRecord | undefined,
  header: boolean,
  columns: readonly string[],
): (string | null)[] {
  return (first?.fields ?? []).map((field, at) =>
    header
      ? columns.find((name) =>
        foldName(name) === foldName(field.text.trim())
      ) ?? null
      : columns[at] ?? null
  );
}

function targetOf(
  name: string | null,
  object: JsonSchemaObject,
): ImportTarget | null {
  const column = object.columns.find((each) => each.name === name);
  return column === undefined
    ? null
    : { name: column.name, affinity: affinityOf(column.type) };
}

function Mapping(
  { chosen, targets, columns, onTargets, onLook }: {
    readonly chosen: Chosen;
    readonly targets: readonly (string | null)[];
    readonly columns: readonly string[];
    readonly onTargets: (targets: readonly (string | null)[]) => void;
    readonly onLook: (separator: string, header: boolean) => void;
  },
): VNode {
  const { separator, header, preview } = chosen;
  const rows = header ? preview.slice(1) : preview;
  return (
    <>
      <div class="actions">
        <label class="switch">
          Separator
          <select
            class="input compact"
            value={separator}
            onChange={(event) => onLook(event.currentTarget.value, header)}
          >
            {SEPARATORS.map(([value, words]) => (
              <option key={words} value={value}>{words}</option>
            ))}
          </select>
        </label>
        <label class="switch">
          <input
            type="checkbox"
            checked={header}
            onChange={(event) => onLook(separator, event.currentTarget.checked)}
          />
          The first line has the names
        </label>
      </div>
      <Table
        caption="The beginning of the file, and where its columns go"
        columns={targets.map((target, at) => ({
          title: header
            ? shownText(preview[0]?.fields[at]?.text ?? "")
            : `Column ${at + 1}`,
          cell: (row: CsvRecord | null) =>
            row === null
              ? (
                <TargetChoice
                  at={at}
                  target={target}
                  columns={columns}
                  onTarget={(chosen) =>
                    onTargets(
                      targets.map((each, other) =>
                        other === at ? chosen : each
                      ),
                    )}
                />
              )
              : shownText((row.fields[at]?.text ?? "").slice(0, 60)),
        }))}
        rows={[null, ...rows]}
        keyOf={(row) => row?.line ?? "where"}
      />
    </>
  );
}

function TargetChoice(
  { at, target, columns, onTarget }: {
    readonly at: number;
    readonly target: string | null;
    readonly columns: readonly string[];
    readonly onTarget: (target: string | null) => void;
  },
): VNode {
  return (
    <select
      class="input compact"
      aria-label={`Where column ${at + 1} goes`}
      value={target ?? ""}
      onChange={(event) => onTarget(event.currentTarget.value || null)}
    >
      <option value="">leave out</option>
      {columns.map((name) => (
        <option key={name} value={name}>{shownText(name)}</option>
      ))}
    </select>
  );
}

function Progress(
  { progress, size, state }: {
    readonly progress: ImportProgress;
    readonly size: number;
    readonly state: string;
  },
): VNode {
  const { inserted, bad, badCount, bytes } = progress;
  return (
    <div class="import-progress" role="status">
      <progress
        max={Math.max(1, size)}
        value={state === "done" ? Math.max(1, size) : bytes}
        aria-label="Read of the file"
      />
      <p>
        <strong>{shownCount(inserted)} rows inserted</strong>
        {badCount === 0 ? "" : `, ${shownCount(badCount)} left out`}
        <span class="faint">, {shownBytes(bytes)} of {shownBytes(size)}</span>
      </p>
      {bad.length === 0 ? null : (
        <ul class="bad">
          {bad.slice(0, 100).map(({ line, message }) => (
            <li key={line}>Line {line}: {shownText(message)}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
