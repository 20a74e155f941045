import type { VNode } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { FileChoice } from "../data/file_choice.tsx";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { Notice, Problem } from "../parts/problem.tsx";
import { Segments } from "../parts/segments.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { shownCount, shownText } from "../values/shown.ts";
import { factsOf, type ScriptFacts } from "./script_file.ts";
import {
  type ScriptFailure,
  type ScriptMode,
  ScriptRun,
  type ScriptState,
} from "./script_run.ts";

/** Characters of a refused statement that are shown. */
const SHOWN_LENGTH = 400;

const MODES = [
  { value: "each", label: "Statement by statement" },
  { value: "whole", label: "One transaction" },
] as const;

/** A file of SQL: what is in it, how it is run, and how far that is. */
export function ScriptDialog(
  { onClose }: { readonly onClose: () => void },
): VNode {
  const { file, facts, problem, choose } = useFile();
  const [mode, setMode] = useState<ScriptMode>("each");
  const [typed, setTyped] = useState("");
  const run = useMemo(
    () => file === null ? null : new ScriptRun(file, mode),
    [file, mode],
  );
  useEffect(() => () => run?.stop(), [run]);
  const state = run?.state.value ?? null;
  const ready = state?.phase === "ready";
  const failure = state?.failure ?? null;
  const confirmed = facts !== null && facts.statements > 0 &&
    (facts.destroying === 0 || typed.trim() === `${facts.destroying}`);
  return (
    <Dialog
      wide
      title="Run an SQL file"
      onClose={onClose}
      onSubmit={() => confirmed && ready && void run?.start()}
      actions={
        <Actions
          run={run}
          state={state}
          confirmed={confirmed}
          onClose={onClose}
        />
      }
    >
      <FileChoice
        accept=".sql,.txt,application/sql"
        disabled={file !== null && !ready}
        onFile={(chosen) => {
          setTyped("");
          choose(chosen);
        }}
      />
      {problem === null ? null : <Problem error={problem} />}
      {file === null
        ? null
        : facts === null
        ? problem === null ? <Skeleton lines={3} /> : null
        : (
          <>
            <Facts facts={facts} />
            {ready
              ? (
                <Choices
                  facts={facts}
                  mode={mode}
                  onMode={setMode}
                  typed={typed}
                  onTyped={setTyped}
                />
              )
              : null}
          </>
        )}
      {file === null || state === null || ready
        ? null
        : <Progress facts={facts} state={state} />}
      {failure === null ? null : <Failure failure={failure} mode={mode} />}
    </Dialog>
  );
}

/** The file, looked through. Another one takes the place of what is still read. */
function useFile() {
  const [file, setFile] = useState<File | null>(null);
  const [facts, setFacts] = useState<ScriptFacts | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  useEffect(() => {
    let current = true;
    setFacts(null);
    setProblem(null);
    if (file !== null) {
      factsOf(file).then(
        (found) => current && setFacts(found),
        (wrong) => current && setProblem(wrong),
      );
    }
    return () => {
      current = false;
    };
  }, [file]);
  return { file, facts, problem, choose: setFile };
}

function Actions(
  { run, state, confirmed, onClose }: {
    readonly run: ScriptRun | null;
    readonly state: ScriptState | null;
    readonly confirmed: boolean;
    readonly onClose: () => void;
  },
): VNode {
  const phase = state?.phase ?? "ready";
  const refused = state?.failure?.statement ?? null;
  if (phase === "done") {
    return <Button look="primary" onClick={onClose}>Close</Button>;
  }
  return (
    <>
      <Button onClick={onClose}>
        {phase === "ready" ? "Cancel" : "Close"}
      </Button>
      {phase === "running"
        ? <Button onClick={() => run?.stop()}>Stop</Button>
        : null}
      {phase === "stopped" && refused !== null
        ? (
          <Button onClick={() => void run?.skip()}>
            Go on behind it
          </Button>
        )
        : null}
      {phase === "stopped"
        ? (
          <Button look="primary" icon="play" onClick={() => void run?.start()}>
            {state?.failure === null ? "Go on" : "Try again"}
          </Button>
        )
        : (
          <Button
            submit
            look="primary"
            icon="play"
            disabled={!confirmed || phase === "running"}
          >
            Run
          </Button>
        )}
    </>
  );
}

function Facts({ facts }: { readonly facts: ScriptFacts }): VNode {
  const { statements, kinds, lastLine } = facts;
  if (statements === 0) {
    return <Notice tone="info" title="There is no statement in this file" />;
  }
  return (
    <p>
      <strong>
        {statements === 1
          ? "1 statement"
          : `${shownCount(statements)} statements`}
      </strong>{" "}
      <span class="muted">
        {kinds.slice(0, 6).map(([word, count]) =>
          `${shownCount(count)} ${shownText(word)}`
        ).join(", ")}
        {kinds.length > 6 ? ", and others" : ""}; the last one begins at line
        {" "}
        {shownCount(lastLine)}
      </span>
    </p>
  );
}

function Choices(
  { facts, mode, onMode, typed, onTyped }: {
    readonly facts: ScriptFacts;
    readonly mode: ScriptMode;
    readonly onMode: (mode: ScriptMode) => void;
    readonly typed: string;
    readonly onTyped: (text: string) => void;
  },
): VNode {
  const { destroying, listed } = facts;
  return (
    <>
      <div class="actions">
        <Segments
          label="How it is run"
          options={MODES}
          value={mode}
          onChange={onMode}
        />
      </div>
      <p class="faint">
        {mode === "each"
          ? "Up to the first statement that is refused: what comes before it stays."
          : "All of it, or nothing. Up to 16 MiB."}{" "}
        BEGIN, COMMIT and PRAGMA foreign_keys are passed over.
      </p>
      {destroying === 0 ? null : (
        <>
          <Notice tone="warning" title="This cannot be taken back">
            <p>They drop something, or change or delete all rows of a table:</p>
            <ul class="bad">
              {listed.map(({ sql, line }, at) => (
                <li key={at} class="break">Line {line}: {shownText(sql)}</li>
              ))}
              {destroying > listed.length
                ? <li>and {shownCount(destroying - listed.length)} more</li>
                : null}
            </ul>
          </Notice>
          <Field label={`Type their number to confirm: ${destroying}`}>
            {(ids) => (
              <input
                {...ids}
                class="input mono"
                autocomplete="off"
                spellcheck={false}
                value={typed}
                onInput={(event) => onTyped(event.currentTarget.value)}
              />
            )}
          </Field>
        </>
      )}
    </>
  );
}

function Progress(
  { facts, state }: {
    readonly facts: ScriptFacts | null;
    readonly state: ScriptState;
  },
): VNode {
  const { statements, rows, skipped, phase } = state;
  const all = facts?.statements ?? statements;
  return (
    <div class="import-progress" role="status">
      <progress
        max={Math.max(1, all)}
        value={phase === "done" ? Math.max(1, all) : statements + skipped}
        aria-label="Statements of the file"
      />
      <p>
        <strong>
          {phase === "done" ? "Done: " : ""}
          {shownCount(statements)} of {shownCount(all)} statements applied
        </strong>
        {skipped === 0 ? "" : `, ${shownCount(skipped)} passed over`}
        <span class="faint">, {shownCount(rows)} rows written</span>
      </p>
    </div>
  );
}

function Failure(
  { failure, mode }: {
    readonly failure: ScriptFailure;
    readonly mode: ScriptMode;
  },
): VNode {
  const { statement, error } = failure;
  if (statement === null) return <Problem error={error} />;
  return (
    <Notice
      tone="danger"
      title={`Line ${shownCount(statement.line)} was refused`}
    >
      <p class="break">{error instanceof Error ? error.message : `${error}`}</p>
      <p class="muted">
        {mode === "each"
          ? "Everything before it is applied, and nothing behind it."
          : "Nothing of the file is applied."}
      </p>
      <pre class="code">{
        shownText(statement.sql.slice(0, SHOWN_LENGTH)).replaceAll("\\n", "\n")
      }</pre>
    </Notice>
  );
}
