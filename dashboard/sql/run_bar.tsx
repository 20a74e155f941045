import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { formatMs } from "../format.ts";
import { Button } from "../parts/button.tsx";
import type { ToRun } from "../statements/at_cursor.ts";
import type { ReadOptions, Runner } from "./runner.ts";

const LIMITS = [100, 1_000, 5_000];

/** Run, explain, cancel; how reads are asked for. */
export function RunBar(
  { runner, toRun, options, onOptions, onRun, onExplain }: {
    readonly runner: Runner;
    readonly toRun: ToRun | null;
    readonly options: ReadOptions;
    readonly onOptions: (options: ReadOptions) => void;
    readonly onRun: () => void;
    readonly onExplain: () => void;
  },
): VNode {
  const { since, writing } = runner.state.value;
  return (
    <div class="run-bar">
      <Button
        look="primary"
        icon="play"
        disabled={toRun === null || since !== null}
        onClick={onRun}
      >
        {runWords(toRun)} <kbd class="kbd">Ctrl ↵</kbd>
      </Button>
      <Button disabled={toRun === null || since !== null} onClick={onExplain}>
        Explain
      </Button>
      {since === null ? null : (
        <>
          <Button
            icon="x"
            refused={writing
              ? "A write is in the log and cannot be cancelled"
              : null}
            onClick={() => runner.cancel()}
          >
            Cancel
          </Button>
          <Elapsed since={since} />
        </>
      )}
      <ReadChoices options={options} onOptions={onOptions} />
    </div>
  );
}

function ReadChoices(
  { options, onOptions }: {
    readonly options: ReadOptions;
    readonly onOptions: (options: ReadOptions) => void;
  },
): VNode {
  return (
    <div class="end">
      <select
        class="input"
        aria-label="Consistency"
        title="Which member's state is read"
        value={options.consistency}
        onChange={(event) =>
          onOptions({
            ...options,
            consistency: event.currentTarget
              .value as ReadOptions["consistency"],
          })}
      >
        <option value="local">This member</option>
        <option value="linearizable">Linearizable</option>
      </select>
      <select
        class="input"
        aria-label="Limit"
        title="Rows that are shown"
        value={`${options.limit}`}
        onChange={(event) =>
          onOptions({ ...options, limit: Number(event.currentTarget.value) })}
      >
        {LIMITS.map((limit) => (
          <option key={limit} value={`${limit}`}>
            {limit.toLocaleString("en-GB")} rows
          </option>
        ))}
      </select>
    </div>
  );
}

function runWords(toRun: ToRun | null): string {
  if (toRun === null) return "Run";
  if (toRun.number === null) return "Run selection";
  return toRun.of === 1
    ? "Run"
    : `Run statement ${toRun.number} of ${toRun.of}`;
}

function Elapsed({ since }: { readonly since: number }): VNode {
  const [now, setNow] = useState(performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 100);
    return () => clearInterval(timer);
  }, []);
  return <span class="faint">{formatMs(Math.max(0, now - since))}</span>;
}
