import type { BackupStore } from "../../backup/object_store.ts";
import type { Schedule } from "../../backup/schedule.ts";
import type { RaftGroup } from "../../group/group.ts";
import type { MemberId } from "../../raft/types.ts";
import type { BackupFacts } from "../../state/backups/types.ts";
import type { SqlMachine } from "../../state/sql/port.ts";
import type { Clock } from "../../util/clock.ts";
import type { Logger } from "../../util/logger.ts";
import type { Proposer } from "../groups/proposer.ts";

/** The parts of a member's backups that its configuration names. */
export interface BackupParts {
  /** Where they go; null: each stays in the folder of the member that takes it. */
  readonly store: BackupStore | null;
  /** When they are taken; null: only when asked for. */
  readonly schedule: Schedule | null;
  /** When the newest is looked at; null: never. */
  readonly verify: Schedule | null;
  /** The folder of copies on this member. */
  readonly folder: string;
  /** How long backups in the store are kept, days. */
  readonly keepDays: number;
  /** How often what was written since is archived in the store, ms; 0: never. */
  readonly logIntervalMs: number;
  /** How long every member keeps copies of its own, days; 0: it makes none. */
  readonly keepDaysLocal: number;
  /** Reads a copy that nobody uses, beside everything else. Rejects if it is damaged, or none. */
  inspect(path: string): Promise<BackupFacts>;
}

/** What backups need from their node. */
export interface BackupPorts extends BackupParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly proposer: Proposer;
  /** Null while this member takes no part. */
  group(): RaftGroup | null;
  machine(): SqlMachine;
  /** This member. */
  self(): MemberId;
  clusterId(): string;
  /** Whether there is a link to a member. */
  connected(member: MemberId): boolean;
}
