import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, newIdempotencyKey, urlOf } from "../api.ts";
import { formatBytes, formatDuration, formatInteger } from "../format.ts";
import { Button } from "../parts/button.tsx";
import { Chip } from "../parts/chip.tsx";
import { Confirm } from "../parts/confirm.tsx";
import { EmptyState } from "../parts/empty_state.tsx";
import { Icon } from "../parts/icon.tsx";
import { Moment } from "../parts/moment.tsx";
import { Problem } from "../parts/problem.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { useLoaded } from "../parts/use_loaded.ts";
import { clusterView } from "../state/cluster.ts";
import { isAdmin, serverNow } from "../state/session.ts";
import { say } from "../state/toasts.ts";
import { whyNotWrite } from "../state/write_mode.ts";
import type { JsonDashboardBackups } from "../../src/api/dashboard/backups.ts";
import type { JsonBackup } from "../../src/api/backup_json.ts";
import { RestoreDialog } from "./backup_restore.tsx";

/** A backup that runs is looked at so often, ms. */
const LOOK_MS = 1000;

/** The backups of this cluster, how to take one, and how to come back from one. */
export function Page(): VNode {
  const loaded = useLoaded(readBackups, []);
  const [asked, setAsked] = useState(false);
  const [restored, setRestored] = useState<JsonBackup | null>(null);
  const { backups = null, next_ms: next = null } = loaded.value ?? {};
  const running = backups !== null &&
    backups.some(({ state }) => state === "running");
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(loaded.reload, LOOK_MS);
    return () => clearInterval(timer);
  }, [running]);
  return (
    <div class="page">
      <header class="heading">
        <div>
          <h1 tabIndex={-1}>Backups</h1>
          {backups === null
            ? null
            : <LastAndNext backups={backups} next={next} />}
        </div>
        <div class="end">
          {isAdmin.value
            ? (
              <Button
                look="primary"
                icon="archive"
                refused={whyNotWrite.value ??
                  (running ? "A backup is on its way" : null)}
                onClick={() => setAsked(true)}
              >
                Back up now
              </Button>
            )
            : null}
        </div>
      </header>
      {loaded.error === null ? null : <Problem error={loaded.error} />}
      <List backups={backups} restore={setRestored} />
      {asked
        ? (
          <Begin
            onClose={() => {
              setAsked(false);
              loaded.reload();
            }}
          />
        )
        : null}
      {restored === null ? null : (
        <RestoreDialog
          backup={restored}
          nodes={nodesNow()}
          onClose={() => setRestored(null)}
        />
      )}
    </div>
  );
}

function List(
  { backups, restore }: {
    readonly backups: readonly JsonBackup[] | null;
    readonly restore: (backup: JsonBackup) => void;
  },
): VNode {
  return (
    <section class="card">
      {backups === null
        ? (
          <div class="inside">
            <Skeleton lines={4} />
          </div>
        )
        : backups.length === 0
        ? (
          <EmptyState icon="archive" title="No backup yet">
            A backup is a whole copy of the database at one entry of the log,
            checked before it counts.
          </EmptyState>
        )
        : (
          <Table
            stacks
            caption="Backups"
            columns={columns(restore)}
            rows={backups}
            keyOf={({ id }) => id}
          />
        )}
    </section>
  );
}

async function readBackups(
  signal: AbortSignal,
): Promise<JsonDashboardBackups> {
  const { backups, next_ms } = await call("backups", {
    signal,
    background: true,
  });
  return {
    backups: backups.toSorted((a, b) => b.asked_ms - a.asked_ms),
    next_ms,
  };
}

function nodesNow(): number[] {
  return (clusterView.value?.cluster.members ?? [])
    .map(({ node_id: node }) => node);
}

function LastAndNext(
  { backups, next }: {
    readonly backups: readonly JsonBackup[];
    readonly next: number | null;
  },
): VNode {
  const last = backups.find(({ state }) => state === "done");
  const now = serverNow();
  return (
    <p class="muted">
      {last === undefined
        ? "None is finished yet"
        : `Last one ${
          formatDuration(now - (last.ended_ms ?? last.asked_ms))
        } ago, ${formatBytes(last.size)}`}
      {next === null
        ? "; none is scheduled."
        : `; the next one in ${formatDuration(next - now)}.`}
    </p>
  );
}

function Begin({ onClose }: { readonly onClose: () => void }): VNode {
  const [key] = useState(newIdempotencyKey);
  return (
    <Confirm
      title="Back up now"
      verb="Back up"
      act={async () => {
        await call("backupBegin", { body: {}, idempotencyKey: key });
        say("The backup is on its way.");
      }}
      onClose={onClose}
    >
      <div class="consequence">
        <p>
          A voter copies the database while it serves, checks the copy page by
          page, and puts it where this cluster keeps its backups.
        </p>
      </div>
    </Confirm>
  );
}

const PLACE_WORDS = {
  store: "In the store of all members",
  folder: "In its own folder",
};

function columns(
  restore: (backup: JsonBackup) => void,
): Column<JsonBackup>[] {
  return [
    {
      title: "Taken",
      cell: ({ asked_ms: at }) => <Moment at={at} />,
    },
    { title: "State", cell: (backup) => <State backup={backup} /> },
    {
      title: "Verified",
      cell: (backup) => <Verified backup={backup} />,
    },
    {
      title: "Entry",
      number: true,
      cell: ({ index }) => formatInteger(index),
    },
    { title: "Size", number: true, cell: ({ size }) => formatBytes(size) },
    {
      title: "Backup",
      cell: ({ name, place, taken_by: by }) => (
        <span class="backup-name">
          <code class="clip" title={name}>{name}</code>
          <small class="faint">
            {place === undefined ? "" : `${PLACE_WORDS[place]}, `}taken by n
            {by.split(".")[0]}
          </small>
        </span>
      ),
    },
    {
      title: "What can be done",
      titleUnseen: true,
      cell: (backup) =>
        backup.state === "done"
          ? (
            <div class="actions">
              {isAdmin.value ? <Download backup={backup} /> : null}
              <Button
                compact
                label={`Restore ${backup.name}`}
                onClick={() => restore(backup)}
              >
                Restore …
              </Button>
            </div>
          )
          : null,
    },
  ];
}

/** Each is checked page by page when it is taken, and again by `backup_verify`. */
function Verified({ backup }: { readonly backup: JsonBackup }): VNode {
  const { state, ended_ms: ended, checked_ms: checked, check_problem: wrong } =
    backup;
  if (state !== "done" || ended === undefined) return <>–</>;
  const at = <Moment at={checked ?? ended} />;
  return wrong === undefined || wrong === null
    ? at
    : (
      <span class="backup-failed">
        <Chip tone="danger">Not good</Chip> <span class="break">{wrong}</span>
        {" "}
        {at}
      </span>
    );
}

/** A link: browsers save a file of any size as it comes. */
function Download({ backup }: { readonly backup: JsonBackup }): VNode {
  const { name, place, taken_by: by } = backup;
  const holder = Number(by.split(".")[0]);
  if (place === "folder" && holder !== clusterView.value?.nodeId) {
    return (
      <Button
        compact
        icon="download"
        label={`Download ${name}`}
        refused={`It is in the folder of n${holder}: open the page of that member`}
      />
    );
  }
  return (
    <a
      class="button compact icon-only"
      href={urlOf("backupFile", { name })}
      download={name}
      aria-label={`Download ${name}`}
      title="Download, as a plain SQLite file"
    >
      <Icon name="download" />
    </a>
  );
}

function State({ backup }: { readonly backup: JsonBackup }): VNode {
  const { state, error, asked_ms: asked, ended_ms: ended, slot_ms: slot } =
    backup;
  if (state === "running") {
    return (
      <span class="nowrap">
        <Chip tone="info">Running</Chip>{" "}
        <span class="muted">{formatDuration(serverNow() - asked)}</span>
      </span>
    );
  }
  if (state === "failed") {
    return (
      <span class="backup-failed">
        <Chip tone="danger">Failed</Chip> <span class="break">{error}</span>
      </span>
    );
  }
  return (
    <span class="nowrap">
      <Chip tone="success">Done</Chip>{" "}
      <span class="muted">
        in {formatDuration((ended ?? asked) - asked)}
        {slot === null ? "" : ", scheduled"}
      </span>
    </span>
  );
}
