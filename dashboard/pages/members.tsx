import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { differing, membersOf, toleranceOf } from "../health.ts";
import { Button } from "../parts/button.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { route } from "../router.ts";
import { clusterView, silence } from "../state/cluster.ts";
import { whyNotWrite } from "../state/write_mode.ts";
import { MemberCard } from "./member_card.tsx";
import { type MemberAction, MemberDialog } from "./member_dialog.tsx";

/** What is asked of a member. */
interface Asked {
  readonly action: MemberAction;
  /** Null of a member that is not there yet. */
  readonly nodeId: number | null;
}

/** Every member, and what can be done with it. */
export function Page(): VNode {
  const view = clusterView.value;
  const [asked, setAsked] = useState<Asked | null>(null);
  const [chosen] = route.value.path;
  if (view === null) {
    return (
      <div class="page">
        <h1 tabIndex={-1}>Members</h1>
        <Skeleton lines={6} />
      </div>
    );
  }
  const members = membersOf(view);
  const voting = members.filter(({ role }) => role !== "learner");
  const voters = voting.length;
  const away = voting.filter(({ reachable }) => !reachable).length;
  const wrong = differing(view);
  const about = members.find(({ nodeId }) => nodeId === asked?.nodeId) ?? null;
  return (
    <div class="page">
      <header class="heading">
        <div>
          <h1 tabIndex={-1}>Members</h1>
          <p class="muted">{toleranceOf(voters, away)}</p>
        </div>
        <div class="end">
          <Button
            icon="plus"
            refused={whyNotWrite.value}
            onClick={() => setAsked({ action: "add", nodeId: null })}
          >
            Add learner
          </Button>
        </div>
      </header>
      <div class={silence.value === null ? "members" : "members as-of"}>
        {members.map((member) => (
          <MemberCard
            key={member.nodeId}
            member={member}
            served={member.nodeId === view.nodeId}
            chosen={chosen === `n${member.nodeId}`}
            differs={wrong.includes(member.nodeId)}
            voters={voters}
            ask={(action) => setAsked({ action, nodeId: member.nodeId })}
          />
        ))}
      </div>
      {asked === null ? null : (
        <MemberDialog
          action={asked.action}
          member={about}
          members={members}
          onClose={() => setAsked(null)}
        />
      )}
    </div>
  );
}
