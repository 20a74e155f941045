import type { VNode } from "preact";
import type { JsonBackup } from "../../src/api/backup_json.ts";
import { call } from "../api.ts";
import { Copyable } from "../parts/copy_button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Problem } from "../parts/problem.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { useLoaded } from "../parts/use_loaded.ts";

/** Where the file goes that is copied out; on one machine a path means the same for every command. */
const COPY = "/tmp/copy.sqlite";

/** How this cluster comes back from a backup, as commands to copy; never at a click. */
export function RestoreDialog(
  { backup, nodes, onClose }: {
    readonly backup: JsonBackup;
    readonly nodes: readonly number[];
    readonly onClose: () => void;
  },
): VNode {
  const { value, error } = useLoaded(
    (signal) => call("settings", { signal, background: true }),
    [],
  );
  const folder = value?.settings.find(({ key }) => key === "backup_folder");
  const inBucket = backup.place === "store" && folder?.value === "";
  return (
    <Dialog wide title="Restore" onClose={onClose}>
      <div class="consequence">
        <p>
          A restored cluster is another one, as it was at this backup: what was
          written since is not in it. Members keep what they have in{" "}
          <code>quarantine/</code>.
        </p>
      </div>
      {error !== null
        ? <Problem error={error} />
        : value === null
        ? <Skeleton lines={6} />
        : <Steps backup={backup} nodes={nodes} inBucket={inBucket} />}
    </Dialog>
  );
}

function Steps(
  { backup, nodes, inBucket }: {
    readonly backup: JsonBackup;
    readonly nodes: readonly number[];
    /** Every member reads it from S3; else it is copied out first, since it may be encrypted. */
    readonly inBucket: boolean;
  },
): VNode {
  const { name, place } = backup;
  const [first] = [...nodes].sort((a, b) => a - b);
  const holder = `n${backup.taken_by.split(".")[0]}`;
  const from = inBucket ? `s3:${name}` : `file:${COPY}`;
  return (
    <div class="steps">
      <h3>1. Look whether it can be restored</h3>
      <p class="muted">
        {place === "folder"
          ? `On ${holder}, which has the file.`
          : "On any member."}
      </p>
      <Copyable text={`hiqlite backup verify ${name}`} />
      {inBucket ? null : (
        <>
          <h3>2. Get the file</h3>
          <p class="muted">
            {place === "folder" && holder !== `n${first}`
              ? `On ${holder}; then copy it to the machine of n${first}, under the same path.`
              : `On the machine of n${first}.`}
          </p>
          <Copyable text={`hiqlite backup get ${name} --to ${COPY}`} />
        </>
      )}
      <h3>{inBucket ? 2 : 3}. Put it in the place of the data</h3>
      <p class="muted">
        Stop {nodes.map((node) => `n${node}`).join(", ")}, then on n{first}:
      </p>
      <Copyable
        text={`hiqlite restore --from ${from} --confirm ${backup.cluster_id}`}
      />
      <h3>{inBucket ? 3 : 4}. Start again</h3>
      <p class="muted">
        {nodes.length > 1
          ? `Start n${first}, empty the data directories of the others, and start them: they join by themselves.`
          : `Start n${first}.`}
      </p>
      {inBucket
        ? (
          <>
            <h3>Or without commands</h3>
            <p class="muted">
              Stop all members, set this for each of them, and start them. It
              acts once.
            </p>
            <Copyable text={`HQL_BACKUP_RESTORE=${from}`} />
          </>
        )
        : null}
    </div>
  );
}
