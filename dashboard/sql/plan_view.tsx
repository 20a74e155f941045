import type { VNode } from "preact";
import { Chip, type Tone } from "../parts/chip.tsx";
import { href } from "../route.ts";
import type { KnownSchema } from "../state/schema.ts";
import type { PlanCost, PlanStep } from "../statements/plan.ts";
import { shownText } from "../values/shown.ts";
import { foldName } from "../../src/state/sqlite/statement/text.ts";

const WORDS: Readonly<Record<PlanCost, readonly [string, Tone]>> = {
  scan: ["SCAN", "warning"],
  search: ["SEARCH", "success"],
  sort: ["SORT", "warning"],
  other: ["", "neutral"],
};

/** A plan as a tree; what each step costs is said in words, too. */
export function PlanView(
  { steps, schema }: {
    readonly steps: readonly PlanStep[];
    readonly schema: KnownSchema;
  },
): VNode {
  if (steps.length === 0) {
    return <p class="muted">It has no plan: it reads no table.</p>;
  }
  return (
    <ul class="plan">
      {steps.map((step, at) => (
        <li key={at}>
          <Step step={step} schema={schema} />
          {step.steps.length === 0
            ? null
            : <PlanView steps={step.steps} schema={schema} />}
        </li>
      ))}
    </ul>
  );
}

function Step(
  { step, schema }: { readonly step: PlanStep; readonly schema: KnownSchema },
): VNode {
  const [word, tone] = WORDS[step.cost];
  const table = step.table !== null &&
    schema.objects?.find(({ name }) =>
      foldName(name) === foldName(step.table!)
    );
  return (
    <div class="step">
      {word === "" ? null : <Chip tone={tone}>{word}</Chip>}
      <code>{shownText(withoutWord(step.detail, word))}</code>
      {table
        ? (
          <a href={href("schema", [table.name])}>
            Indexes of {shownText(table.name)}
          </a>
        )
        : null}
      {step.meaning === ""
        ? null
        : <p class="muted">{shownText(step.meaning)}</p>}
    </div>
  );
}

/** The chip has the word already. */
function withoutWord(detail: string, word: string): string {
  return word !== "" && detail.startsWith(`${word} `)
    ? detail.slice(word.length + 1)
    : detail;
}
