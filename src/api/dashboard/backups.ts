import type { JsonBackup } from "../backup_json.ts";

/** The answer of `GET backups`. */
export interface JsonDashboardBackups {
  /** The last hundred, in the order in which they began. */
  readonly backups: readonly JsonBackup[];
  /** When the schedule of the member that answers has the next one, ms since 1970; null: there is no schedule. */
  readonly next_ms: number | null;
}
