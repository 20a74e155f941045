import type { VNode } from "preact";
import type { JsonAnalyzed } from "../../src/api/dashboard/analysis.ts";
import { Button } from "../parts/button.tsx";
import { Confirm } from "../parts/confirm.tsx";
import { Notice } from "../parts/problem.tsx";
import { isAdmin } from "../state/session.ts";
import { setWriteMode } from "../state/write_mode.ts";
import { shownText } from "../values/shown.ts";

/** What statements would change, in read mode: nothing was run. */
export function HeldWrite(
  { statements, onRun, onClose }: {
    readonly statements: readonly JsonAnalyzed[];
    readonly onRun: () => void;
    readonly onClose: () => void;
  },
): VNode {
  return (
    <Notice
      tone="warning"
      title={isAdmin.value
        ? "This writes, and the page only reads"
        : "This writes: viewers can only look"}
      actions={
        <>
          {isAdmin.value
            ? (
              <Button
                look="primary"
                onClick={() => {
                  setWriteMode(true);
                  onRun();
                }}
              >
                Turn on write mode and run
              </Button>
            )
            : null}
          <Button onClick={onClose}>Dismiss</Button>
        </>
      }
    >
      <p>Nothing was run.</p>
      <Effects statements={statements} />
    </Notice>
  );
}

/** What each statement would touch. */
export function Effects(
  { statements }: { readonly statements: readonly JsonAnalyzed[] },
): VNode {
  return (
    <ul class="effects">
      {statements.filter(({ kind }) => kind !== "read").map((each, at) => (
        <li key={at}>{effectWords(each)}</li>
      ))}
    </ul>
  );
}

function effectWords(each: JsonAnalyzed): string {
  const names = (list: readonly string[]): string =>
    list.map(shownText).join(", ");
  const parts = [
    each.kind === "ddl"
      ? `${each.keyword} ${
        each.drops ? "drops or alters" : "makes or alters"
      } ${names(each.touches)}`
      : each.has_where === false
      ? `${each.keyword} has no WHERE: it changes all rows of ${
        names(each.writes.slice(0, 1))
      }`
      : `${each.keyword} changes rows of ${names(each.writes)}`,
    each.has_where === false && each.writes.length > 1
      ? `and with them rows of ${names(each.writes.slice(1))}`
      : "",
    each.kind === "ddl" && each.writes.length > 0
      ? `with the rows of ${names(each.writes)}`
      : "",
    each.triggers.length > 0
      ? `through the triggers ${names(each.triggers)}`
      : "",
  ];
  return parts.filter((part) => part !== "").join(", ");
}

/** The name that has to be typed before these are run; null: nothing is lost that a WHERE would have kept. */
export function nameToType(
  statements: readonly JsonAnalyzed[],
): string | null {
  const risky = statements.find(({ drops, has_where: hasWhere }) =>
    drops || hasWhere === false
  );
  if (risky === undefined) return null;
  return (risky.drops ? risky.touches[0] : risky.writes[0]) ?? risky.keyword;
}

/** Asks for the name of what is dropped, or whose rows are all changed. */
export function ConfirmWrite(
  { statements, name, act, onClose }: {
    readonly statements: readonly JsonAnalyzed[];
    readonly name: string;
    readonly act: () => Promise<void>;
    readonly onClose: () => void;
  },
): VNode {
  return (
    <Confirm
      danger
      title="This cannot be taken back"
      verb="Run"
      typed={{ what: "its name", text: name }}
      act={act}
      onClose={onClose}
    >
      <Effects statements={statements} />
    </Confirm>
  );
}
