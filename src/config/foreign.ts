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
}

const OFF: readonly string[] = ["false"];

/** Keys that Hiqlite knows and this version does not act upon. */
export const FOREIGN_KEYS: readonly ForeignKey[] = [
  key("tls_auto_certificates", "HQL_TLS_AUTO_CERTS", OFF),
  ...["raft", "api"].flatMap((side) => [
    key(`tls_${side}_key`, `HQL_TLS_${side.toUpperCase()}_KEY`),
    key(`tls_${side}_cert`, `HQL_TLS_${side.toUpperCase()}_CERT`),
    key(
      `tls_${side}_danger_tls_no_verify`,
      `HQL_TLS_${side.toUpperCase()}_DANGER_TLS_NO_VERIFY`,
      OFF,
    ),
  ]),
  key("backup_cron", "HQL_BACKUP_CRON"),
  key("backup_keep_days", "HQL_BACKUP_KEEP_DAYS", "any"),
  key("backup_keep_days_local", "HQL_BACKUP_KEEP_DAYS_LOCAL", "any"),
  key("s3_url", "HQL_S3_URL"),
  key("s3_bucket", "HQL_S3_BUCKET"),
  key("s3_region", "HQL_S3_REGION"),
  key("s3_path_style", "HQL_S3_PATH_STYLE", "any"),
  key("s3_key", "HQL_S3_KEY"),
  key("s3_secret", "HQL_S3_SECRET"),
  key("enc_keys", "ENC_KEYS", "any"),
  key("enc_key_active", "ENC_KEY_ACTIVE", "any"),
  key("password_dashboard", "HQL_PASSWORD_DASHBOARD", "any"),
  key("insecure_cookie", "HQL_INSECURE_COOKIE", "any"),
  key("rate_limit_cache_rps", "HQL_RL_CACHE_RPS"),
  key("rate_limit_cache_burst", "HQL_RL_CACHE_BURST"),
  key("rate_limit_db_rps", "HQL_RL_DB_RPS"),
  key("rate_limit_db_burst", "HQL_RL_DB_BURST"),
  key("", "HQL_BACKUP_RESTORE"),
  key("", "HQL_BACKUP_SKIP_VALIDATION", OFF),
  key("", "HQL_DANGER_RAFT_STATE_RESET", OFF),
  key("", "HQL_CHECK_WAL_INTEGRITY", "any"),
  key("", "HQL_SPLIT_BRAIN_INTERVAL", "any"),
];

function key(
  toml: string,
  env: string,
  harmless: readonly string[] | "any" = [],
): ForeignKey {
  return { toml, env, harmless };
}
