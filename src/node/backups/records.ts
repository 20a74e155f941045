import { HiqliteError } from "../../errors.ts";
import {
  archivedOf,
  decodeBackupAnswer,
  recordOf,
} from "../../state/backups/codec.ts";
import type { LogIndex } from "../../raft/types.ts";
import {
  type ArchivedLog,
  type BackupAnswer,
  type BackupOperation,
  type BackupRecord,
  type RecordOperation,
  SELECT_ARCHIVED,
  SELECT_BACKUPS,
  SELECT_LAST_BACKUP,
} from "../../state/backups/types.ts";
import { writeCommand } from "../../state/sql/command.ts";
import type { QueryResult } from "../../state/sql/types.ts";
import type { BackupPorts } from "./ports.ts";

/** How long an operation may take, ms. */
const TIMEOUT_MS = 120_000;

/** What records are read and changed through. */
type RecordPorts = Pick<
  BackupPorts,
  "machine" | "group" | "proposer" | "clusterId"
>;

/** What the cluster remembers of backups: read from this member's state, changed by entries. */
export class BackupRecords {
  readonly #ports: RecordPorts;

  /** Reads and proposes through `ports`. */
  constructor(ports: RecordPorts) {
    this.#ports = ports;
  }

  /** All, in the order in which they began. */
  all(): BackupRecord[] {
    return this.#read(SELECT_BACKUPS);
  }

  /** Those of the present cluster. */
  own(): BackupRecord[] {
    const own = this.#ports.clusterId();
    return this.all().filter(({ cluster }) => cluster === own);
  }

  /** The one of the present cluster that began last; null if there is none. No other can be running. */
  latest(): BackupRecord | null {
    const [last] = this.#read(SELECT_LAST_BACKUP);
    return last?.cluster === this.#ports.clusterId() ? last : null;
  }

  /** What of the present cluster's log is archived; null if nothing is. */
  archived(): ArchivedLog | null {
    const [row] = this.#rows(SELECT_ARCHIVED);
    const archived = row === undefined ? null : archivedOf(row);
    return archived?.cluster === this.#ports.clusterId() ? archived : null;
  }

  /** How large this member's database is. */
  databaseBytes(): number {
    const [[bytes] = []] = this.#rows(
      "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    );
    return Number(bytes);
  }

  /**
   * Proposes an operation; the record that it made or changed.
   * @throws {HiqliteError} `conflict` if it has no effect; what a write throws.
   */
  async change(
    operation: RecordOperation,
    timeoutMs: number = TIMEOUT_MS,
  ): Promise<BackupRecord> {
    const answer = await this.#propose(operation, timeoutMs);
    return (answer as { readonly record: BackupRecord }).record;
  }

  /**
   * Notes what is archived, beside what was; all that is then.
   * @throws {HiqliteError} what a write throws.
   */
  async noteArchived(
    after: LogIndex,
    through: LogIndex,
  ): Promise<ArchivedLog> {
    const cluster = this.#ports.clusterId();
    const answer = await this.#propose(
      { kind: "archived", cluster, after, through },
      TIMEOUT_MS,
    );
    return (answer as { readonly archived: ArchivedLog }).archived;
  }

  async #propose(
    operation: BackupOperation,
    timeoutMs: number,
  ): Promise<BackupAnswer & { readonly ok: true }> {
    const { refusal, body } = await this.#ports.proposer.propose({
      body: (writer) => writeCommand(writer, { kind: "backup", operation }),
      idempotencyKey: "",
      timeoutMs,
    });
    if (refusal !== null) throw new HiqliteError(refusal.code, refusal.message);
    const answer = decodeBackupAnswer(body);
    if (!answer.ok) throw new HiqliteError("conflict", answer.detail);
    return answer;
  }

  #read(sql: string): BackupRecord[] {
    return this.#rows(sql).map(([record]) => recordOf(record as string));
  }

  /** What this member changed itself is in them. */
  #rows(sql: string): QueryResult["rows"] {
    const answered = this.#ports.group()?.answered ?? 0;
    return this.#ports.machine().querySync(sql, [], answered).rows;
  }
}
