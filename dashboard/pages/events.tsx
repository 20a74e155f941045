import type { VNode } from "preact";
import { Segments } from "../parts/segments.tsx";
import { go, route } from "../router.ts";
import { AuditTrail } from "./events_audit.tsx";
import { Locks } from "./events_locks.tsx";
import { MemberEventLog } from "./events_log.tsx";
import { NotifyTail } from "./events_notify.tsx";

const TABS = [
  { value: "log", label: "Events" },
  { value: "locks", label: "Locks" },
  { value: "notify", label: "Notifications" },
  { value: "audit", label: "Audit" },
] as const;

/** The name of a tab. */
type Tab = typeof TABS[number]["value"];

/** What happened, who holds what, what is published, who did what. */
export function Page(): VNode {
  const [named] = route.value.path;
  const tab: Tab = TABS.find(({ value }) => value === named)?.value ?? "log";
  return (
    <div class="page">
      <header class="heading">
        <h1 tabIndex={-1}>Locks & events</h1>
        <div class="end">
          <Segments
            label="What is shown"
            value={tab}
            onChange={(next) => go("events", [next])}
            options={TABS}
          />
        </div>
      </header>
      {tab === "log"
        ? <MemberEventLog />
        : tab === "locks"
        ? <Locks />
        : tab === "notify"
        ? <NotifyTail />
        : <AuditTrail />}
    </div>
  );
}
