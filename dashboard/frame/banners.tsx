import type { ComponentChildren, VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { formatDuration } from "../format.ts";
import { differing, membersOf } from "../health.ts";
import { Button } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { href } from "../route.ts";
import {
  askNow,
  clusterView,
  health,
  silence,
  sleeping,
} from "../state/cluster.ts";
import { otherVersion, serverNow, session, stayIn } from "../state/session.ts";
import { say } from "../state/toasts.ts";

/** A session that ends so soon is told of, ms. */
const ENDS_SOON_MS = 2 * 60_000;

/** What concerns every page. */
export function Banners(): VNode {
  return (
    <div class="banners">
      <Connection />
      <SessionEnd />
      <ClusterTrouble />
      {session.value?.insecure === true
        ? (
          <Banner tone="warning">
            Not encrypted: passwords and data cross the network in the clear.
          </Banner>
        )
        : null}
      {otherVersion.value
        ? (
          <Banner
            action={
              <Button compact onClick={() => location.reload()}>
                Reload
              </Button>
            }
          >
            Another version answers now. Reload to use its page.
          </Banner>
        )
        : null}
    </div>
  );
}

function Banner(
  { tone = "info", action, children }: {
    readonly tone?: "info" | "warning" | "danger";
    readonly action?: ComponentChildren;
    readonly children: ComponentChildren;
  },
): VNode {
  return (
    <div class={`banner ${tone}`} role={tone === "info" ? "note" : "alert"}>
      <Icon name={tone === "info" ? "info" : "triangle-alert"} />
      <p>{children}</p>
      {action}
    </div>
  );
}

function Connection(): VNode | null {
  const { value } = silence;
  if (sleeping.value) {
    return <Banner>Nobody was here for 30 minutes: updates are paused.</Banner>;
  }
  if (value === null) return null;
  const node = clusterView.value?.nodeId ?? session.value?.node_id;
  return (
    <Banner
      tone="danger"
      action={<Button compact onClick={askNow}>Try now</Button>}
    >
      <strong>n{node} does not answer.</strong>{" "}
      What you see is from before; this page tries again by itself (attempt{" "}
      {value.tries}).
    </Banner>
  );
}

function SessionEnd(): VNode | null {
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((tick) => tick + 1), 5000);
    return () => clearInterval(timer);
  }, []);
  const { idle_until_ms: idle, ends_ms: ends } = session.value!;
  const end = Math.min(idle ?? Infinity, ends ?? Infinity);
  const left = end - serverNow();
  if (left > ENDS_SOON_MS) return null;
  return (
    <Banner
      tone="warning"
      action={end === ends
        ? undefined
        : <Button compact onClick={() => void stay()}>Stay signed in</Button>}
    >
      This session ends in {formatDuration(left)}
      . Text in the SQL editor is kept.
    </Banner>
  );
}

async function stay(): Promise<void> {
  try {
    await stayIn();
  } catch (error) {
    say((error as Error).message, "danger");
  }
}

function ClusterTrouble(): VNode | null {
  const view = clusterView.value;
  if (view === null) return null;
  const members = membersOf(view);
  const full = members.filter(({ sight }) => sight?.report?.diskFull === true);
  const differ = differing(view);
  const versions = new Set(
    view.sights.flatMap(({ report }) =>
      report === null ? [] : [report.version]
    ),
  );
  const names = (nodes: readonly number[]): string =>
    nodes.map((node) => `n${node}`).join(", ");
  const look = <a class="button compact" href={href("members")}>Members</a>;
  return (
    <>
      {health.value?.word === "No leader" && silence.value === null
        ? (
          <Banner tone="danger" action={look}>
            <strong>No leader right now.</strong>{" "}
            Reads from this member still work; writes wait for a majority.
          </Banner>
        )
        : null}
      {full.length === 0 ? null : (
        <Banner tone="danger" action={look}>
          <strong>
            The disk of {names(full.map(({ nodeId }) => nodeId))} is full.
          </strong>{" "}
          Free some space; writes then go on by themselves.
        </Banner>
      )}
      {differ.length === 0 ? null : (
        <Banner tone="danger" action={look}>
          <strong>Replicas differ: {names(differ)}.</strong>{" "}
          Take a backup of a member that is right before anything else.
        </Banner>
      )}
      {versions.size < 2 ? null : (
        <Banner action={look}>
          Members run {[...versions].sort().join(" and ")}
          : finish the upgrade before you use what is new.
        </Banner>
      )}
    </>
  );
}
