import assert from "node:assert/strict";
import { configOf } from "../../src/config/options.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { ConfigError } from "../../src/errors.ts";

const KEY = new Uint8Array(32).fill(7);
const K1 = `k1/${KEY.toBase64()}`;
const BASE = {
  HQL_SECRET_RAFT: "raft-secret-0123456789",
  HQL_SECRET_API: "api-secret-0123456789",
};
const S3 = {
  HQL_S3_URL: "https://s3.example.com/",
  HQL_S3_BUCKET: "backups",
  HQL_S3_REGION: "eu-1",
  HQL_S3_KEY: "an-access-key-id",
  HQL_S3_SECRET: "a-secret-access-key",
  ENC_KEYS: `\n  ${K1}\n`,
  ENC_KEY_ACTIVE: "k1",
};
const NOW = Date.UTC(2026, 10, 27);

function failure(
  env: Record<string, string>,
  toml?: string,
): ConfigError {
  try {
    resolveConfig({
      env: { ...BASE, ...env },
      nowMs: NOW,
      ...(toml === undefined ? {} : { toml }),
    });
  } catch (error) {
    assert(error instanceof ConfigError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "it was taken" });
}

function without(name: string): Record<string, string> {
  const rest: Record<string, string> = { ...S3 };
  delete rest[name];
  return rest;
}

Deno.test("resolveConfig() has no S3, no key and no copies where nothing is set", () => {
  const { config } = resolveConfig({ env: BASE });
  assert.equal(config.s3Url, "");
  assert.deepEqual(config.encKeys, []);
  assert.equal(config.backupKeepDaysLocal, 0);
  assert.equal(config.backupLogInterval, 0);
});

Deno.test("resolveConfig() reads backups as Hiqlite's variables say them", () => {
  const { config, notices } = resolveConfig({
    env: {
      ...BASE,
      ...S3,
      HQL_S3_PATH_STYLE: "false",
      HQL_BACKUP_CRON: "0 0 4 * * Sun *",
      HQL_BACKUP_KEEP_DAYS: "7",
      HQL_BACKUP_KEEP_DAYS_LOCAL: "3",
      HQL_BACKUP_RESTORE: "s3:backup_node_1_1796000000.sqlite",
    },
    nowMs: NOW,
  });
  assert.deepEqual(notices, []);
  assert.equal(config.s3Url, "https://s3.example.com");
  assert.equal(config.s3Bucket, "backups");
  assert.equal(config.s3PathStyle, false);
  assert.deepEqual(config.encKeys, [{ id: "k1", key: KEY }]);
  assert.equal(config.encKeyActive, "k1");
  assert.equal(config.backupCron, "0 0 4 * * Sun *");
  assert.equal(config.backupKeepDays, 7);
  assert.equal(config.backupKeepDaysLocal, 3);
  assert.equal(config.backupRestore, "s3:backup_node_1_1796000000.sqlite");
});

Deno.test("resolveConfig() reads keys from TOML as a list, as text, and from the secrets file", () => {
  const keysOf = (enc: string, secrets = "") =>
    resolveConfig({
      env: { ...BASE, HQL_SECRETS_FILE: "s.toml" },
      toml: `[hiqlite]\nenc_key_active = "k1"\nenc_keys = ${enc}`,
      readFile: () => `[hiqlite]\n${secrets}`,
    }).config.encKeys;
  const expected = [{ id: "k1", key: KEY }];
  assert.deepEqual(keysOf(`["${K1}"]`), expected);
  assert.deepEqual(keysOf(`"""\n${K1}\n"""`), expected);
  assert.deepEqual(keysOf('"$SECRETS"', `enc_keys = ["${K1}"]`), expected);
});

Deno.test("resolveConfig() archives the log on S3 or in a folder that members share, at an interval with its unit", () => {
  const intervalOf = (value: string, store: Record<string, string>) =>
    resolveConfig({
      env: { ...BASE, ...store, HQL_BACKUP_LOG_INTERVAL: value },
    }).config.backupLogInterval;
  for (const store of [S3, { HQL_BACKUP_FOLDER: "/mnt/backups" }]) {
    assert.equal(intervalOf("0", store), 0);
    assert.equal(intervalOf("100ms", store), 100);
    assert.equal(intervalOf("10s", store), 10_000);
    assert.equal(intervalOf("5m", store), 300_000);
    assert.equal(intervalOf("24h", store), 86_400_000);
  }
  const { key, message } = failure({ HQL_BACKUP_LOG_INTERVAL: "10s" });
  assert.equal(key, "s3_url");
  assert.match(message, /nor backup_folder, but HQL_BACKUP_LOG_INTERVAL is/);
});

Deno.test("resolveConfig() takes S3 or a shared folder, which needs no keys, not both", () => {
  const folder = { HQL_BACKUP_FOLDER: "/mnt/backups" };
  const { config } = resolveConfig({ env: { ...BASE, ...folder } });
  assert.equal(config.backupFolder, "/mnt/backups");
  assert.deepEqual(config.encKeys, []);
  const { key, message } = failure({ ...S3, ...folder });
  assert.equal(key, "HQL_BACKUP_FOLDER");
  assert.match(message, /HQL_S3_URL, too: backups go to one of both/);
  const latest = { ...folder, HQL_BACKUP_RESTORE: "latest" };
  assert.equal(
    resolveConfig({ env: { ...BASE, ...latest } }).config.backupRestore,
    "latest",
  );
  const named = failure({
    ...folder,
    HQL_BACKUP_RESTORE: "s3:backup_node_1_1.sqlite",
  });
  assert.equal(named.key, "s3_url");
});

for (
  const [name, toml] of [
    ["HQL_S3_URL", "s3_url"],
    ["HQL_S3_BUCKET", "s3_bucket"],
    ["HQL_S3_REGION", "s3_region"],
    ["HQL_S3_KEY", "s3_key"],
    ["HQL_S3_SECRET", "s3_secret"],
    ["ENC_KEYS", "enc_keys"],
    ["ENC_KEY_ACTIVE", "enc_key_active"],
  ] as const
) {
  Deno.test(`resolveConfig() refuses S3 without ${name}`, () => {
    for (const env of [without(name), { ...S3, [name]: " " }]) {
      const error = failure(env);
      assert.equal(error.key, toml);
      assert.match(error.message, new RegExp(`environment: ${name}`));
    }
  });
}

Deno.test("resolveConfig() refuses S3 without anything to encrypt with", () => {
  const { ENC_KEYS: _keys, ENC_KEY_ACTIVE: _active, ...plain } = S3;
  const error = failure(plain);
  assert.equal(error.key, "enc_keys");
  assert.match(error.message, /nothing goes to S3 that is not encrypted/);
});

const REFUSED: readonly [string, Record<string, string>, string, RegExp][] = [
  [
    "a key of 31 bytes",
    { ...S3, ENC_KEYS: `k1/${KEY.subarray(1).toBase64()}` },
    "ENC_KEYS",
    /32 bytes in base64, got something else \(not shown\)/,
  ],
  [
    "an active key that is not listed, without showing it",
    { ...S3, ENC_KEY_ACTIVE: "a-mixed-up-value" },
    "ENC_KEY_ACTIVE",
    /is not the id of one of ENC_KEYS \(k1\)$/,
  ],
  [
    "two keys of one id",
    { ...S3, ENC_KEYS: `${K1}\n${K1}` },
    "ENC_KEYS",
    /k1 is listed twice/,
  ],
  [
    "an active key without keys",
    { ENC_KEY_ACTIVE: "k1" },
    "enc_keys",
    /ENC_KEYS/,
  ],
  [
    "a prefix without S3",
    { HQL_S3_PREFIX: "a/" },
    "s3_url",
    /HQL_S3_PREFIX is/,
  ],
  [
    "an authority without S3",
    { HQL_S3_CA: "ca.pem" },
    "s3_url",
    /HQL_S3_CA is/,
  ],
  [
    "an archived log without S3",
    { HQL_BACKUP_LOG_INTERVAL: "10s" },
    "s3_url",
    /HQL_BACKUP_LOG_INTERVAL is/,
  ],
  [
    "a restore from S3 without S3",
    { HQL_BACKUP_RESTORE: "latest" },
    "s3_url",
    /but HQL_BACKUP_RESTORE needs it/,
  ],
  [
    "a restore from nowhere",
    { HQL_BACKUP_RESTORE: "backup.sqlite" },
    "HQL_BACKUP_RESTORE",
    /expected s3:NAME, file:PATH or latest/,
  ],
  [
    "a URL with a user in it",
    { ...S3, HQL_S3_URL: "https://user:pass@host" },
    "HQL_S3_URL",
    /expected a URL/,
  ],
  [
    "a server without a scheme",
    { ...S3, HQL_S3_URL: "s3.example.com" },
    "HQL_S3_URL",
    /expected a URL/,
  ],
  [
    "a prefix that leads elsewhere",
    { ...S3, HQL_S3_PREFIX: "../other" },
    "HQL_S3_PREFIX",
    /parts with/,
  ],
  [
    "a prefix that is too long",
    { ...S3, HQL_S3_PREFIX: "p".repeat(501) },
    "HQL_S3_PREFIX",
    /up to 500/,
  ],
  [
    "an expression of five fields",
    { HQL_BACKUP_CRON: "30 2 * * *" },
    "HQL_BACKUP_CRON",
    /no schedule: it has six or seven fields/,
  ],
  [
    "an expression that never comes true",
    { HQL_BACKUP_CRON: "0 0 3 30 2 * *" },
    "HQL_BACKUP_CRON",
    /never comes true/,
  ],
  [
    "a verification that never comes",
    { HQL_BACKUP_VERIFY: "0 0 0 1 1 * 2020" },
    "HQL_BACKUP_VERIFY",
    /never comes true/,
  ],
  [
    "a zone that is none",
    { HQL_BACKUP_TIMEZONE: "Mars/Base" },
    "HQL_BACKUP_TIMEZONE",
    /expected a time zone/,
  ],
  [
    "days that are none",
    { HQL_BACKUP_KEEP_DAYS: "-1" },
    "HQL_BACKUP_KEEP_DAYS",
    /from 0 to 36500/,
  ],
  [
    "an interval without a unit",
    { ...S3, HQL_BACKUP_LOG_INTERVAL: "10" },
    "HQL_BACKUP_LOG_INTERVAL",
    /units: ms, s, m, h/,
  ],
  [
    "an interval that is too short",
    { ...S3, HQL_BACKUP_LOG_INTERVAL: "99ms" },
    "HQL_BACKUP_LOG_INTERVAL",
    /"100ms"/,
  ],
];
for (const [title, env, key, message] of REFUSED) {
  Deno.test(`resolveConfig() refuses ${title}`, () => {
    const error = failure(env);
    assert.equal(error.key, key);
    assert.match(error.message, message);
    for (
      const secret of [S3.HQL_S3_SECRET, "a-mixed-up-value", "Bwc", "pass@"]
    ) {
      assert(!error.message.includes(secret), `${secret} is shown`);
    }
  });
}

Deno.test("resolveConfig() names the TOML key where the value comes from there", () => {
  assert.equal(failure({}, '[hiqlite]\nbackup_cron = "x"').key, "backup_cron");
  assert.equal(failure({}, '[hiqlite]\ns3_bucket = "abc"').key, "s3_url");
});

Deno.test("configOf() takes keys as they are in a configuration, and never shows a key", () => {
  const options = {
    secretRaft: BASE.HQL_SECRET_RAFT,
    secretApi: BASE.HQL_SECRET_API,
    s3Url: S3.HQL_S3_URL,
    s3Bucket: S3.HQL_S3_BUCKET,
    s3Region: S3.HQL_S3_REGION,
    s3Key: S3.HQL_S3_KEY,
    s3Secret: S3.HQL_S3_SECRET,
    encKeys: K1,
    encKeyActive: "k1",
  };
  const config = configOf(options);
  assert.deepEqual(config.encKeys, [{ id: "k1", key: KEY }]);
  assert.deepEqual(configOf({ ...config }), config);
  assert.throws(
    () => configOf({ ...options, encKeys: [`k1/${"A".repeat(40)}`] }),
    {
      key: "encKeys",
      message: /not shown/,
    },
  );
});
