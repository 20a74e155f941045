import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { formatCount, formatDuration, formatInteger } from "../format.ts";
import type { MemberView } from "../health.ts";
import { Button } from "../parts/button.tsx";
import { Chip } from "../parts/chip.tsx";
import { MeasuredFacts, percentiles } from "../parts/measured_facts.tsx";
import { MemberShape, memberWords } from "../parts/member_state.tsx";
import { isAdmin } from "../state/session.ts";
import { whyNotWrite } from "../state/write_mode.ts";
import { ROLE_WORDS } from "../words.ts";
import type { MemberAction } from "./member_dialog.tsx";

/** A member: what it says of itself, and what can be done with it. */
export function MemberCard(
  { member, served, chosen, differs, voters, ask }: {
    readonly member: MemberView;
    /** It serves this page. */
    readonly served: boolean;
    /** The address names it. */
    readonly chosen: boolean;
    readonly differs: boolean;
    readonly voters: number;
    readonly ask: (action: MemberAction) => void;
  },
): VNode {
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    if (chosen) element.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const { nodeId, role, reachable } = member;
  const words = memberWords(member);
  return (
    <section
      ref={element}
      class={chosen ? "card member chosen" : "card member"}
      aria-label={`n${nodeId}`}
    >
      <header>
        <span class="member-name">
          <MemberShape member={member} />
          <h2>n{nodeId}</h2>
        </span>
        <span class="muted">{ROLE_WORDS[role]}</span>
        {words === ROLE_WORDS[role]
          ? null
          : (
            <Chip tone={reachable ? "warning" : "danger"}>
              {words}
              {!reachable && member.silentMs !== null
                ? ` for ${formatDuration(member.silentMs)}`
                : ""}
            </Chip>
          )}
        {differs ? <Chip tone="danger">State differs</Chip> : null}
        {served ? <Chip>Serves this page</Chip> : null}
      </header>
      <Facts member={member} />
      {isAdmin.value
        ? <Actions member={member} voters={voters} ask={ask} />
        : null}
    </section>
  );
}

function Facts({ member }: { readonly member: MemberView }): VNode {
  const report = member.sight?.report ?? null;
  const lag = member.lag === null
    ? "–"
    : member.lag === 0
    ? "none"
    : formatCount(member.lag, "entry", "entries");
  return (
    <div class="inside">
      <dl class={member.reachable ? "facts" : "facts as-of"}>
        <dt>Applied</dt>
        <dd>{formatInteger(report?.appliedIndex)}</dd>
        <dt>Lag</dt>
        <dd>{lag}</dd>
        <dt>Commit p50 · p99</dt>
        <dd>{percentiles(report?.commit)}</dd>
        <MeasuredFacts
          report={report}
          raftAddress={member.raftAddress}
          apiAddress={member.apiAddress}
        />
        {report === null || report.ready === "ok" ? null : (
          <>
            <dt>Not ready</dt>
            <dd>{report.ready}</dd>
          </>
        )}
        {(report?.quarantine ?? null) === null ? null : (
          <>
            <dt>Quarantine</dt>
            <dd>{report?.quarantine}</dd>
          </>
        )}
      </dl>
    </div>
  );
}

function Actions(
  { member, voters, ask }: {
    readonly member: MemberView;
    readonly voters: number;
    readonly ask: (action: MemberAction) => void;
  },
): VNode {
  const off = whyNotWrite.value;
  const { role, nodeId, reachable } = member;
  const last = role !== "learner" && voters === 1
    ? "The last voter cannot leave"
    : null;
  return (
    <footer class="actions">
      {role === "learner"
        ? (
          <Button
            compact
            refused={off ??
              (reachable ? null : `n${nodeId} is not reachable`)}
            onClick={() => ask("promote")}
          >
            Promote
          </Button>
        )
        : (
          <>
            <Button
              compact
              refused={off ?? (role === "leader"
                ? "It leads already"
                : reachable
                ? null
                : `n${nodeId} is not reachable`)}
              onClick={() => ask("transfer")}
            >
              Make leader
            </Button>
            <Button
              compact
              refused={off ?? last}
              onClick={() => ask("demote")}
            >
              Demote
            </Button>
          </>
        )}
      <Button
        compact
        look="plain"
        class="removes"
        refused={off ?? last}
        onClick={() => ask("remove")}
      >
        Remove
      </Button>
    </footer>
  );
}
