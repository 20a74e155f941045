import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { formatMoment } from "../format.ts";
import { Button } from "../parts/button.tsx";
import { EmptyState } from "../parts/empty_state.tsx";
import { Icon } from "../parts/icon.tsx";
import { Segments } from "../parts/segments.tsx";
import { schema } from "../state/schema.ts";
import { isAdmin } from "../state/session.ts";
import { shownText } from "../values/shown.ts";
import { keepsTexts, setKeepsTexts } from "./kept.ts";
import type { Past } from "./past.ts";
import { PlanView } from "./plan_view.tsx";
import { ResultRows } from "./result_rows.tsx";
import type { Runner } from "./runner.ts";
import { SlowPane } from "./slow_pane.tsx";

/** What is below the editor. */
export type Pane = "rows" | "plan" | "messages" | "history" | "slow";

const PANES = [
  { value: "rows", label: "Rows" },
  { value: "plan", label: "Plan" },
  { value: "messages", label: "Messages" },
  { value: "history", label: "History" },
] as const;

/** For administrators: the texts of others may have values in them. */
const ALL_PANES = [...PANES, { value: "slow", label: "Slow" }] as const;

/** What came of the statements: rows, plans, messages, and what was run before. */
export function Panes(
  { runner, past, pane, onPane, onMore, onText }: {
    readonly runner: Runner;
    readonly past: Past;
    readonly pane: Pane;
    readonly onPane: (pane: Pane) => void;
    readonly onMore: (() => void) | null;
    /** Opens a text of the history. */
    readonly onText: (sql: string) => void;
  },
): VNode {
  const { result, plan, since } = runner.state.value;
  return (
    <section class="panes card" aria-label="Results" aria-busy={since !== null}>
      <header>
        <Segments
          label="What is shown"
          options={isAdmin.value ? ALL_PANES : PANES}
          value={pane}
          onChange={onPane}
        />
      </header>
      <div class={since === null ? "pane" : "pane as-of"}>
        {pane === "rows"
          ? result === null
            ? <NoRows runner={runner} />
            : <ResultRows result={result} onMore={onMore} />
          : pane === "plan"
          ? plan === null
            ? (
              <EmptyState icon="list-tree" title="No plan yet">
                Ctrl Shift Enter explains the statement at the cursor. Nothing
                runs.
              </EmptyState>
            )
            : (
              <div class="plans">
                {plan.map(({ sql, steps }, at) => (
                  <div key={at}>
                    <pre class="code">{shownText(sql.trim()).replaceAll("\\n", "\n")}</pre>
                    <PlanView steps={steps} schema={schema.value} />
                  </div>
                ))}
              </div>
            )
          : pane === "messages"
          ? <Messages runner={runner} />
          : pane === "slow"
          ? <SlowPane onText={onText} />
          : <History past={past} onText={onText} />}
      </div>
    </section>
  );
}

/** In the place of rows: what was written, or that nothing was run. */
function NoRows({ runner }: { readonly runner: Runner }): VNode {
  const [newest] = runner.messages.value;
  if (newest === undefined) {
    return (
      <EmptyState icon="play" title="Nothing was run yet">
        Ctrl Enter runs the statement at the cursor, or the selection.
      </EmptyState>
    );
  }
  return (
    <EmptyState
      icon={newest.ok ? "circle-check" : "triangle-alert"}
      title="No rows"
    >
      {shownText(newest.text)}
    </EmptyState>
  );
}

function Messages({ runner }: { readonly runner: Runner }): VNode {
  const messages = runner.messages.value;
  if (messages.length === 0) {
    return <EmptyState icon="info" title="No messages yet" />;
  }
  return (
    <ol class="messages" tabIndex={0} aria-label="Messages">
      {messages.map(({ id, at, text, ok }) => (
        <li key={id} class={ok ? undefined : "failed"}>
          <Icon name={ok ? "circle-check" : "triangle-alert"} />
          <time>{formatMoment(at, Date.now())}</time>
          <span class="break">{shownText(text)}</span>
        </li>
      ))}
    </ol>
  );
}

function History(
  { past, onText }: {
    readonly past: Past;
    readonly onText: (sql: string) => void;
  },
): VNode {
  const [text, setText] = useState("");
  const found = past.runs.value.filter(({ sql }) =>
    sql.toLowerCase().includes(text.trim().toLowerCase())
  );
  return (
    <div class="history">
      <div class="bar">
        <input
          class="input compact"
          type="search"
          aria-label="Search the history"
          placeholder="Search the history"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <label class="switch">
          <input
            type="checkbox"
            checked={!keepsTexts.value}
            onChange={(event) => setKeepsTexts(!event.currentTarget.checked)}
          />
          Keep nothing on this device
        </label>
        <Button compact onClick={() => past.clear()}>Forget</Button>
      </div>
      {found.length === 0
        ? (
          <EmptyState
            icon="clock"
            title={past.runs.value.length === 0
              ? "No history yet"
              : "Nothing has this in it"}
          />
        )
        : (
          <ol class="messages" tabIndex={0} aria-label="History">
            {found.slice(0, 200).map(({ sql, at, ended, ok }) => (
              <li key={at} class={ok ? undefined : "failed"}>
                <Icon name={ok ? "circle-check" : "triangle-alert"} />
                <time>{formatMoment(at, Date.now())}</time>
                <button
                  type="button"
                  class="link mono clip"
                  title={sql}
                  onClick={() =>
                    onText(sql)}
                >
                  {shownText(sql.replaceAll(/\s+/g, " ")).slice(0, 300)}
                </button>
                <span class="faint clip">{ended}</span>
              </li>
            ))}
          </ol>
        )}
    </div>
  );
}
