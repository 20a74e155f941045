import type { VNode } from "preact";
import { LAGGING, type MemberView } from "../health.ts";
import { ROLE_WORDS } from "../words.ts";
import { formatInteger } from "../format.ts";

/** A member's colour, which it keeps: one of six by its node. */
export function seriesOf(nodeId: number): number {
  return (nodeId - 1) % 6 + 1;
}

/** The shape of a member's state; words beside it say the same. */
export function MemberShape(
  { member }: { readonly member: MemberView },
): VNode {
  const kind = !member.reachable
    ? "away"
    : (member.lag ?? 0) >= LAGGING
    ? "behind"
    : member.role;
  return (
    <svg
      class={`shape ${kind}`}
      viewBox="0 0 12 12"
      aria-hidden="true"
      focusable="false"
    >
      {kind === "behind"
        ? <path d="M6 1.5 11 10.5H1z" />
        : kind === "learner"
        ? <path d="M6 1 11 6 6 11 1 6z" />
        : <circle cx="6" cy="6" r="4.25" />}
    </svg>
  );
}

/** A member's state in words. */
export function memberWords(member: MemberView): string {
  if (!member.reachable) return "Not reachable";
  const report = member.sight?.report ?? null;
  if ((report?.quarantine ?? null) !== null) return "Quarantined";
  if (report?.diskFull === true) return "Disk full";
  if ((member.lag ?? 0) >= LAGGING) {
    return `${formatInteger(member.lag)} entries behind`;
  }
  return ROLE_WORDS[member.role]!;
}
