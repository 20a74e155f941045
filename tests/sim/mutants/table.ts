import { ACCESS_MUTANTS } from "./planted/access.ts";
import { BACKUP_MUTANTS } from "./planted/backups.ts";
import { BACKUP_RUN_MUTANTS } from "./planted/backup_runs.ts";
import { CACHE_MUTANTS } from "./planted/caches.ts";
import { CACHES_ON_DISK_MUTANTS } from "./planted/caches_on_disk.ts";
import { EDGE_MUTANTS } from "./planted/edges.ts";
import { EXEC_MUTANTS } from "./planted/exec.ts";
import { EQUAL_MEMBERS_MUTANTS } from "./planted/equal_members.ts";
import { GROUP_MUTANTS } from "./planted/groups.ts";
import { LIVE_MUTANTS } from "./planted/live.ts";
import { LOCK_MUTANTS } from "./planted/locks.ts";
import { LINK_MUTANTS } from "./planted/links.ts";
import { LOG_MUTANTS } from "./planted/log.ts";
import { NODE_MUTANTS } from "./planted/node.ts";
import { RAFT_MUTANTS } from "./planted/raft.ts";
import { STATE_MUTANTS } from "./planted/state.ts";
import { TLS_MUTANTS } from "./planted/tls.ts";
import { TOPIC_MUTANTS } from "./planted/topics.ts";

/** A planted bug: `find` stands exactly once in `file` and becomes `replace`. */
export interface Mutant {
  readonly name: string;
  /** Below `src/`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Where to look for who finds it. @default the tests of the file's folder */
  readonly tests?: readonly string[];
  /** The first seed to try. @default {step} */
  readonly first?: number;
  /** From one seed to the next. With ten all run the SQLite machine. @default {1} */
  readonly step?: number;
}

/** Every planted bug. */
export const MUTANTS: readonly Mutant[] = [
  ...RAFT_MUTANTS,
  ...NODE_MUTANTS,
  ...GROUP_MUTANTS,
  ...LOG_MUTANTS,
  ...STATE_MUTANTS,
  ...CACHE_MUTANTS,
  ...CACHES_ON_DISK_MUTANTS,
  ...EXEC_MUTANTS,
  ...EQUAL_MEMBERS_MUTANTS,
  ...LIVE_MUTANTS,
  ...TOPIC_MUTANTS,
  ...LOCK_MUTANTS,
  ...LINK_MUTANTS,
  ...ACCESS_MUTANTS,
  ...EDGE_MUTANTS,
  ...TLS_MUTANTS,
  ...BACKUP_MUTANTS,
  ...BACKUP_RUN_MUTANTS,
];
