import { type EncryptionKey, parseKeyLine } from "../backup/key_ring.ts";
import { isTimeZone } from "../backup/schedule.ts";
import type { BackupConfig } from "./backup_types.ts";
import { hidden, type Setting, setting } from "./setting.ts";
import { boolean, integer, text, type ValueType } from "./value.ts";

const NONE = "none";
/** About a hundred years. */
const DAYS_MAX = 36_500;
const INTERVAL_MS_MIN = 100;
const INTERVAL_MS_MAX = 86_400_000;
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** The keys of backups, in the order of the generated file. */
export const BACKUP_SETTINGS: {
  readonly [F in keyof BackupConfig]: Setting<BackupConfig[F]>;
} = {
  // Not shown, since somebody may have put a password into it.
  s3Url: hidden(setting(
    "s3_url",
    "HQL_S3_URL",
    text("a URL such as https://s3.example.com", serverUrl),
    "",
    "The S3 server that backups go to. It needs `s3_bucket`, `s3_region`, `s3_key`, `s3_secret` and `enc_keys`, too.",
    NONE,
  )),
  s3Bucket: setting(
    "s3_bucket",
    "HQL_S3_BUCKET",
    matching("the name of a bucket", /^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/),
    "",
    "The bucket that backups go into.",
    NONE,
  ),
  s3Region: setting(
    "s3_region",
    "HQL_S3_REGION",
    matching("the name of a region", /^[A-Za-z0-9_-]{1,64}$/),
    "",
    "The region that requests are signed for.",
    NONE,
  ),
  s3Key: hidden(setting(
    "s3_key",
    "HQL_S3_KEY",
    matching("the id of an access key", /^[\x21-\x7e]{1,256}$/),
    "",
    "Id of the access key.",
    NONE,
  )),
  s3Secret: hidden(setting(
    "s3_secret",
    "HQL_S3_SECRET",
    matching("a secret access key", /^[\x21-\x7e]{1,256}$/),
    "",
    "Secret of the access key.",
    NONE,
  )),
  s3PathStyle: setting(
    "s3_path_style",
    "HQL_S3_PATH_STYLE",
    boolean(),
    true,
    "Name the bucket in the path, as most servers want it; `false`: in the host name.",
  ),
  s3Prefix: setting(
    "s3_prefix",
    "HQL_S3_PREFIX",
    matching(
      'up to 500 letters, digits, "_", "-" and ".", in parts with "/" between',
      /^(?=.{1,500}$)(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*\/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*\/?$/,
    ),
    "",
    "What the names of all objects in the bucket begin with, such as `app1/`.",
    NONE,
  ),
  s3Ca: setting(
    "s3_ca",
    "HQL_S3_CA",
    matching("a path", /^[^\0]+$/),
    "",
    "Path of a PEM file with authorities that the S3 server's certificate may come from, besides the runtime's.",
    NONE,
  ),
  backupFolder: setting(
    "backup_folder",
    "HQL_BACKUP_FOLDER",
    matching("a path", /^[^\0]+$/),
    "",
    "Path of a folder that all members share, for backups in the place of S3. They are encrypted there if there are `enc_keys`.",
    NONE,
  ),
  encKeys: hidden(setting(
    "enc_keys",
    "ENC_KEYS",
    keyLines(),
    [],
    "The keys that backups are encrypted with, one a line: `<id>/<32 bytes in base64>`. Without any nothing goes to S3.",
    NONE,
  )),
  encKeyActive: hidden(setting(
    "enc_key_active",
    "ENC_KEY_ACTIVE",
    matching("the id of a key", /^[^\0]+$/),
    "",
    "Id of the key that new backups are encrypted with; the others open what is there.",
    NONE,
  )),
  backupCron: setting(
    "backup_cron",
    "HQL_BACKUP_CRON",
    text("a cron expression", (value) => value),
    "0 30 2 * * * *",
    "When backups are made, if there is S3, `backup_folder` or `backup_keep_days_local`: second, minute, hour, day, month, day of week (1 is Sunday), year. Empty: only when asked for.",
  ),
  backupTimezone: setting(
    "backup_timezone",
    "HQL_BACKUP_TIMEZONE",
    text(
      "a time zone such as Europe/Berlin",
      (value) => value === "" || isTimeZone(value) ? value : undefined,
    ),
    "",
    "Time zone of `backup_cron` and `backup_verify`.",
    "the machine's",
  ),
  backupKeepDays: setting(
    "backup_keep_days",
    "HQL_BACKUP_KEEP_DAYS",
    integer(0, DAYS_MAX),
    30,
    "Days that backups on S3 or in `backup_folder` are kept; the newest is kept always.",
  ),
  backupKeepDaysLocal: setting(
    "backup_keep_days_local",
    "HQL_BACKUP_KEEP_DAYS_LOCAL",
    integer(0, DAYS_MAX),
    0,
    "Days that each member keeps copies in its data folder; 0: it makes none by itself.",
  ),
  backupLogInterval: setting(
    "backup_log_interval",
    "HQL_BACKUP_LOG_INTERVAL",
    duration(),
    0,
    "How often what was written since is archived beside the backups, such as `10s`, to restore to any moment. It needs S3 or `backup_folder`; 0: never.",
  ),
  backupVerify: setting(
    "backup_verify",
    "HQL_BACKUP_VERIFY",
    text("a cron expression", (value) => value),
    "0 30 3 * * Sun *",
    "When the newest backup is restored, to see that it is good. Empty: only when asked for.",
  ),
  backupRestore: setting(
    "backup_restore",
    "HQL_BACKUP_RESTORE",
    matching("s3:NAME, file:PATH or latest", /^(?:s3:.+|file:.+|latest)$/s),
    "",
    "What the cluster is restored from at the start, once: `s3:NAME`, `file:PATH` or `latest` (of S3 or `backup_folder`). The same on all members.",
    NONE,
  ),
};

/** Text of a form, or none. */
function matching(expects: string, form: RegExp): ValueType<string> {
  return text(
    expects,
    (value) => value === "" || form.test(value) ? value : undefined,
  );
}

/** A server's URL without a slash at its end, or none. */
function serverUrl(value: string): string | undefined {
  if (value === "") return value;
  if (!/^https?:\/\/\S+$/.test(value) || !URL.canParse(value)) return undefined;
  const { username, password, search, hash } = new URL(value);
  const plain = [username, password, search, hash].every((part) => part === "");
  return plain ? value.replace(/\/+$/, "") : undefined;
}

/** Milliseconds, from a number with its unit. */
function duration(): ValueType<number> {
  const accept = (value: string): number | undefined => {
    if (value === "0") return 0;
    const [, digits, unit] = /^(\d{1,8})(ms|s|m|h)$/.exec(value) ?? [];
    const ms = Number(digits) * UNIT_MS[unit!]!;
    return ms >= INTERVAL_MS_MIN && ms <= INTERVAL_MS_MAX ? ms : undefined;
  };
  const type = text('0, or "100ms" to "24h" (units: ms, s, m, h)', accept);
  return {
    ...type,
    fromToml: (value) => value === 0 ? 0 : type.fromToml(value),
  };
}

/** Keys, one a line, or in TOML a list of such lines. */
function keyLines(): ValueType<readonly EncryptionKey[]> {
  const accept = (lines: readonly unknown[]) => {
    const keys = lines.map((line) =>
      typeof line === "string" ? parseKeyLine(line.trim()) : undefined
    );
    return keys.every((key) => key !== undefined) ? keys : undefined;
  };
  const fromText = (value: string) =>
    accept(value.split("\n").filter((line) => line.trim() !== ""));
  return {
    expects:
      'lines "<id>/<key>": an id of 2 to 20 letters, digits, ":", "_" or "-", and 32 bytes in base64',
    fromText,
    fromToml: (value) =>
      typeof value === "string"
        ? fromText(value)
        : Array.isArray(value)
        ? accept(value)
        : undefined,
  };
}
