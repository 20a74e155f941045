import type { VNode } from "preact";
import type { ClusterView } from "../cluster_view.ts";
import { formatInteger } from "../format.ts";
import { Copyable } from "../parts/copy_button.tsx";
import { MeasuredFacts } from "../parts/measured_facts.tsx";

/** A cluster of one: how it is, and how others come to it. */
export function AddMembers({ view }: { readonly view: ClusterView }): VNode {
  const { cluster, sights } = view;
  const [member] = cluster.members;
  const report = sights[0]?.report ?? null;
  return (
    <div class="pair">
      <section class="card">
        <header>
          <h2>This member</h2>
        </header>
        <dl class="facts inside">
          <dt>Applied</dt>
          <dd>{formatInteger(cluster.applied_index)}</dd>
          <MeasuredFacts
            report={report}
            raftAddress={member?.raft_address ?? "–"}
            apiAddress={member?.api_address ?? "–"}
          />
        </dl>
      </section>
      <section class="card">
        <header>
          <h2>Add members</h2>
        </header>
        <div class="inside steps">
          <p class="muted">
            One member loses its data with its disk. Three survive the loss of
            any one.
          </p>
          <p>1. On a new machine, list this member and the new one:</p>
          <Copyable
            text={`HQL_NODES="${member?.node_id ?? 1} ${
              member?.raft_address ?? ""
            } ${member?.api_address ?? ""}\n2 <host>:8100 <host>:8200"`}
          />
          <p>2. Start it there with the same secrets; it waits to be let in:</p>
          <Copyable text="HQL_NODE_ID=2 hiqlite serve" />
          <p>3. Let it in, here; it gets a vote once it has caught up:</p>
          <Copyable text="hiqlite cluster add-learner 2 --raft-address <host>:8100 --api-address <host>:8200" />
        </div>
      </section>
    </div>
  );
}
