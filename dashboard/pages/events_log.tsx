import type { VNode } from "preact";
import { EmptyState } from "../parts/empty_state.tsx";
import { EventList, eventName } from "../parts/event_list.tsx";
import { Notice, Problem } from "../parts/problem.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { useLoaded } from "../parts/use_loaded.ts";
import { go, route } from "../router.ts";
import { clusterView } from "../state/cluster.ts";
import { readEvents } from "../state/telemetry.ts";
import { EVENT_WORDS } from "../words.ts";
import type { MemberEvent } from "../../src/node/telemetry_port.ts";

const SHOWN = 500;

/** What happened to the members, with filters that are in the address. */
export function MemberEventLog(): VNode {
  const { query } = route.value;
  const member = query.get("member") ?? "";
  const kind = query.get("kind") ?? "";
  const pointed = query.get("event");
  const newest = clusterView.value?.newestEvent ?? 0;
  const { value, error } = useLoaded((signal) => readEvents(SHOWN, signal), [
    newest,
  ]);
  const nodes = (clusterView.value?.cluster.members ?? [])
    .map(({ node_id: node }) => node);
  const choose = (name: string, to: string): void => {
    const next = { member, kind, [name]: to };
    go(
      "events",
      ["log"],
      Object.fromEntries(Object.entries(next).filter(([, text]) => text)),
      true,
    );
  };
  const events = (value?.events ?? []).filter((event) =>
    (member === "" || `${event.nodeId}` === member ||
      `${event.about}` === member) && (kind === "" || event.kind === kind)
  ).reverse();
  return (
    <>
      {error === null ? null : <Problem error={error} />}
      {value === null || value.silent.length === 0 ? null : (
        <Notice
          tone="warning"
          title={`${
            value.silent.map((node) => `n${node}`).join(", ")
          } did not answer`}
        >
          <p>What only they saw is not in this list.</p>
        </Notice>
      )}
      {value === null ? null : <Missing pointed={pointed} events={events} />}
      <section class="card">
        <header>
          <h2>Member events</h2>
          <div class="end">
            <Filters
              member={member}
              kind={kind}
              nodes={nodes}
              choose={choose}
            />
          </div>
        </header>
        {value === null
          ? (
            <div class="inside">
              <Skeleton lines={6} />
            </div>
          )
          : events.length === 0
          ? (
            <EmptyState icon="activity" title="No events">
              {member === "" && kind === ""
                ? "Nothing happened since the members started."
                : "None is like this filter."}
            </EmptyState>
          )
          : <EventList events={events} pointed={pointed} />}
      </section>
    </>
  );
}

/** Says so if the event that the address points at is not among these. */
function Missing(
  { pointed, events }: {
    readonly pointed: string | null;
    readonly events: readonly MemberEvent[];
  },
): VNode | null {
  if (pointed === null) return null;
  if (events.some((event) => eventName(event) === pointed)) return null;
  return (
    <Notice tone="warning" title="The event of this link is not here">
      <p>It is older than what is listed, or its member does not answer.</p>
    </Notice>
  );
}

function Filters(
  { member, kind, nodes, choose }: {
    readonly member: string;
    readonly kind: string;
    readonly nodes: readonly number[];
    readonly choose: (name: "member" | "kind", to: string) => void;
  },
): VNode {
  return (
    <>
      <select
        class="input compact"
        aria-label="Member"
        value={member}
        onChange={(event) => choose("member", event.currentTarget.value)}
      >
        <option value="">All members</option>
        {nodes.map((node) => <option key={node} value={node}>n{node}</option>)}
      </select>
      <select
        class="input compact"
        aria-label="Kind"
        value={kind}
        onChange={(event) => choose("kind", event.currentTarget.value)}
      >
        <option value="">All kinds</option>
        {Object.entries(EVENT_WORDS).map(([name, word]) => (
          <option key={name} value={name}>
            {word === "Snapshot"
              ? name.replace("_", " ").replace("s", "S")
              : word}
          </option>
        ))}
      </select>
    </>
  );
}
