import assert from "node:assert/strict";
import { parsePasswordHash } from "../../src/password/password_hash.ts";
import { resolveConfig } from "../../src/config/resolve.ts";

const SECRET = "123SuperMegaSafeRandomValue";
const KEY = "bVCyTsGaggVy5yqQ/UzluN29DZW41M3hTSkx6Y3NtZmRuQkR2TnJxUTYzcjQ=";
/** Of "123SuperMegaSafe", from Hiqlite's README. */
const PASSWORD =
  "JGFyZ29uMmlkJHY9MTkkbT0xOTQ1Nix0PTIscD0xJGQ2RlJDYTBtaS9OUnkvL1RubmZNa0EkVzJMeTQrc1dxZ0FGd0RyQjBZKy9iWjBQUlZlOTdUMURwQkk5QUoxeW1wRQ==";

/** Every key of Hiqlite 0.14, its variable and a value as it takes it; empty names are not there. */
const KEYS: readonly (readonly [toml: string, env: string, value: unknown])[] =
  [
    ["node_id", "HQL_NODE_ID", 1],
    ["listen_addr_api", "HQL_LISTEN_ADDR_API", "0.0.0.0"],
    ["listen_addr_raft", "HQL_LISTEN_ADDR_RAFT", "0.0.0.0"],
    ["data_dir", "HQL_DATA_DIR", "data"],
    ["filename_db", "HQL_FILENAME_DB", "hiqlite.db"],
    ["log_statements", "HQL_LOG_STATEMENTS", false],
    ["prepared_statement_cache_capacity", "", 1000],
    ["read_pool_size", "HQL_READ_POOL_SIZE", 4],
    ["log_sync", "HQL_LOG_SYNC", "immediate_async"],
    ["wal_size", "HQL_WAL_SIZE", 2_097_152],
    ["cache_storage_disk", "HQL_CACHE_STORAGE_DISK", true],
    ["logs_until_snapshot", "HQL_LOGS_UNTIL_SNAPSHOT", 10_000],
    ["tls_auto_certificates", "HQL_TLS_AUTO_CERTS", false],
    ["tls_raft_key", "HQL_TLS_RAFT_KEY", "tls/key.pem"],
    ["tls_raft_cert", "HQL_TLS_RAFT_CERT", "tls/cert-chain.pem"],
    [
      "tls_raft_danger_tls_no_verify",
      "HQL_TLS_RAFT_DANGER_TLS_NO_VERIFY",
      true,
    ],
    ["tls_api_key", "HQL_TLS_API_KEY", "tls/key.pem"],
    ["tls_api_cert", "HQL_TLS_API_CERT", "tls/cert-chain.pem"],
    ["tls_api_danger_tls_no_verify", "HQL_TLS_API_DANGER_TLS_NO_VERIFY", true],
    ["secret_raft", "HQL_SECRET_RAFT", SECRET],
    ["secret_api", "HQL_SECRET_API", SECRET],
    ["health_check_delay_secs", "HQL_HEALTH_CHECK_DELAY_SECS", 30],
    ["learner_only", "HQL_LEARNER_ONLY", false],
    ["backup_cron", "HQL_BACKUP_CRON", "0 30 2 * * * *"],
    ["backup_keep_days", "HQL_BACKUP_KEEP_DAYS", 30],
    ["backup_keep_days_local", "HQL_BACKUP_KEEP_DAYS_LOCAL", 3],
    ["s3_url", "HQL_S3_URL", "https://s3.example.com"],
    ["s3_bucket", "HQL_S3_BUCKET", "test"],
    ["s3_region", "HQL_S3_REGION", "example"],
    ["s3_key", "HQL_S3_KEY", "s3_key"],
    ["s3_secret", "HQL_S3_SECRET", "s3_secret"],
    ["s3_path_style", "HQL_S3_PATH_STYLE", true],
    ["enc_keys", "ENC_KEYS", KEY],
    ["enc_key_active", "ENC_KEY_ACTIVE", "bVCyTsGaggVy5yqQ"],
    ["password_dashboard", "HQL_PASSWORD_DASHBOARD", PASSWORD],
    ["insecure_cookie", "HQL_INSECURE_COOKIE", false],
    ["rate_limit_cache_rps", "HQL_RL_CACHE_RPS", 50_000],
    ["rate_limit_cache_burst", "HQL_RL_CACHE_BURST", 60_000],
    ["rate_limit_db_rps", "HQL_RL_DB_RPS", 100_000],
    ["rate_limit_db_burst", "HQL_RL_DB_BURST", 120_000],
    ["", "HQL_BACKUP_RESTORE", "s3:backup_node_1_1700000000.sqlite"],
    ["", "HQL_BACKUP_SKIP_VALIDATION", false],
    ["", "HQL_DANGER_RAFT_STATE_RESET", false],
    ["", "HQL_CHECK_WAL_INTEGRITY", true],
    ["", "HQL_SPLIT_BRAIN_INTERVAL", 60],
  ];

Deno.test("every key of Hiqlite is taken in a file, and means what it says", () => {
  const lines = KEYS.filter(([toml]) => toml !== "")
    .map(([toml, , value]) => `${toml} = ${JSON.stringify(value)}`);
  const toml = [
    "[hiqlite]",
    'nodes = ["1 localhost:8100 localhost:8200"]',
    ...lines,
  ].join("\n");
  const { config, notices } = resolveConfig({ env: {}, toml });
  assert.deepEqual(notices, []);
  assert.deepEqual(
    [config.rateLimitDbRps, config.rateLimitCacheBurst, config.walSize],
    [100_000, 60_000, 2_097_152],
  );
  assert.deepEqual(config.logSync, { mode: "immediate_async" });
  assert.notEqual(parsePasswordHash(config.passwordDashboard), undefined);
});

Deno.test("every variable of Hiqlite is taken, and what has no effect is said", () => {
  const env = Object.fromEntries(
    KEYS.filter(([, name]) => name !== "")
      .map(([, name, value]) => [name, String(value)]),
  );
  const { config, notices } = resolveConfig({
    env: { ...env, HQL_NODES: "1 localhost:8100 localhost:8200" },
  });
  assert.deepEqual(
    notices.map((notice) => notice.split(" ")[0]),
    ["HQL_CHECK_WAL_INTEGRITY", "HQL_SPLIT_BRAIN_INTERVAL"],
  );
  assert.equal(config.backupRestore, "s3:backup_node_1_1700000000.sqlite");
  assert.equal(config.rateLimitDbBurst, 120_000);
});

Deno.test("a member of Hiqlite's StatefulSet takes its id from its host name, and its secrets from a file", () => {
  const { config } = resolveConfig({
    env: { HQL_NODE_ID_FROM: "k8s", HQL_SECRETS_FILE: "secrets.toml" },
    toml: [
      "[hiqlite]",
      'nodes = ["1 a:8100 a:8200", "2 b:8100 b:8200"]',
      'secret_raft = "$SECRETS"',
      'secret_api = "$SECRETS"',
    ].join("\n"),
    readFile: () =>
      `[hiqlite]\nsecret_raft = "${SECRET}"\nsecret_api = "${SECRET}"`,
    hostname: () => "hiqlite-1",
  });
  assert.equal(config.nodeId, 2);
  assert.equal(config.secretApi, SECRET);
});
