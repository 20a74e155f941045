/** What happens when a key of Hiqlite that does nothing here is set. */
export interface ForeignKey {
  /** Its name in TOML; empty if it only exists as a variable. */
  readonly toml: string;
  readonly env: string;
  /**
   * Values that change nothing, as text; any other refuses the start, because
   * silently ignoring it would change what is stored, sent or protected.
   * `"any"`: whatever it says, nothing here depends on it yet.
   */
  readonly harmless: readonly string[] | "any";
  /** What does here what any other value asks for, for the message. */
  readonly instead: string;
}

const OFF: readonly string[] = ["false"];

/** Keys that Hiqlite knows and this version does not act upon. */
export const FOREIGN_KEYS: readonly ForeignKey[] = [
  key(
    "",
    "HQL_BACKUP_SKIP_VALIDATION",
    OFF,
    "`hiqlite restore --import FILE` takes any SQLite file, on a stopped member",
  ),
  key(
    "",
    "HQL_DANGER_RAFT_STATE_RESET",
    OFF,
    "`hiqlite cluster recover` makes a stopped member a cluster of its own, and keeps what its log has",
  ),
  key("", "HQL_CHECK_WAL_INTEGRITY", "any"),
  key("", "HQL_SPLIT_BRAIN_INTERVAL", "any"),
];

function key(
  toml: string,
  env: string,
  harmless: readonly string[] | "any",
  instead = "",
): ForeignKey {
  return { toml, env, harmless, instead };
}
