import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";
import type { ClusterView } from "../cluster_view.ts";
import {
  formatBytes,
  formatDuration,
  formatInteger,
  formatMs,
} from "../format.ts";
import { databaseBytes, differing, type MemberView } from "../health.ts";
import { href } from "../route.ts";
import { ROLE_WORDS } from "../words.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { MemberShape, memberWords } from "./member_state.tsx";
import { type Column, Table } from "./table.tsx";

/** All members with what they say of themselves. */
export function MemberTable(
  { members, view }: {
    readonly members: readonly MemberView[];
    readonly view: ClusterView;
  },
): VNode {
  const [asked, setAsked] = useState<number | null>(null);
  const about = members.find(({ nodeId }) => nodeId === asked);
  return (
    <>
      <Table
        caption="Members"
        columns={columns(setAsked)}
        rows={members}
        keyOf={({ nodeId }) => `n${nodeId}`}
      />
      {about === undefined
        ? null
        : <Why member={about} view={view} onClose={() => setAsked(null)} />}
    </>
  );
}

function columns(ask: (node: number) => void): Column<MemberView>[] {
  const number = (
    title: string,
    cell: (member: MemberView) => ComponentChildren,
  ): Column<MemberView> => ({ title, number: true, cell });
  return [
    {
      title: "Member",
      cell: (member) => (
        <span class="member-name">
          <MemberShape member={member} />
          <a href={href("members", [`n${member.nodeId}`])}>n{member.nodeId}</a>
        </span>
      ),
    },
    { title: "State", cell: (member) => <State member={member} ask={ask} /> },
    number("Term", ({ sight }) => formatInteger(sight?.report?.term)),
    number(
      "Applied",
      ({ sight }) => formatInteger(sight?.report?.appliedIndex),
    ),
    number("Lag", ({ lag }) => <span data-lag>{formatInteger(lag)}</span>),
    number("Contact", contactOf),
    number("fsync p99", ({ sight }) => formatMs(sight?.report?.fsync?.p99Ms)),
    number(
      "Database",
      ({ sight }) => formatBytes(databaseBytes(sight?.report)),
    ),
    number("Free", ({ sight }) => formatBytes(sight?.report?.diskFreeBytes)),
  ];
}

function contactOf({ role, sight, reachable }: MemberView): string {
  return role === "leader" || !reachable
    ? "–"
    : formatMs(sight?.report?.contactMs ?? null);
}

function State(
  { member, ask }: {
    readonly member: MemberView;
    readonly ask: (node: number) => void;
  },
): VNode {
  if (member.reachable) {
    const words = memberWords(member);
    const role = ROLE_WORDS[member.role]!;
    return (
      <span class="nowrap">{words === role ? role : `${role} · ${words}`}</span>
    );
  }
  return (
    <span class="state-away">
      <strong>
        Not reachable{member.silentMs === null
          ? ""
          : ` for ${formatDuration(member.silentMs)}`}
      </strong>
      <Button compact look="link" onClick={() => ask(member.nodeId)}>
        Why?
      </Button>
    </span>
  );
}

/** What every member sees of one that is away. */
function Why(
  { member, view, onClose }: {
    readonly member: MemberView;
    readonly view: ClusterView;
    readonly onClose: () => void;
  },
): VNode {
  const report = member.sight?.report ?? null;
  const others = view.sights.filter(({ nodeId }) => nodeId !== member.nodeId);
  return (
    <Dialog title={`Why is n${member.nodeId} not reachable?`} onClose={onClose}>
      <dl class="facts">
        {others.map(({ nodeId, report: theirs }) => {
          const sight = theirs?.peers.find((peer) =>
            peer.nodeId === member.nodeId
          );
          return [
            <dt key={`${nodeId}?`}>Seen by n{nodeId}</dt>,
            <dd key={nodeId}>
              {sight === undefined
                ? "says nothing of it"
                : sight.contactMs === null
                ? "never heard of it"
                : `heard of it ${formatDuration(sight.contactMs)} ago`}
              {sight !== undefined && sight.rttMs === null
                ? ", no link now"
                : ""}
            </dd>,
          ];
        })}
        <dt>Last seen at</dt>
        <dd>
          {report === null
            ? "never"
            : `entry ${formatInteger(report.appliedIndex)}, ${
              formatInteger(member.lag)
            } behind`}
        </dd>
        <dt>Its disk then</dt>
        <dd>
          {report === null
            ? "not known"
            : report.diskFull
            ? "full"
            : `${formatBytes(report.diskFreeBytes)} free`}
        </dd>
        <dt>Quarantine</dt>
        <dd>{report?.quarantine ?? "none told"}</dd>
        <dt>Its state</dt>
        <dd>
          {differing(view).includes(member.nodeId)
            ? "differs from the others"
            : "no difference known"}
        </dd>
        <dt>Its addresses</dt>
        <dd class="mono">{member.raftAddress} · {member.apiAddress}</dd>
      </dl>
      <p class="muted">
        Look at its process and its log, then at the network between these
        addresses. It comes back by itself when it can be reached.
      </p>
    </Dialog>
  );
}
