import { Schedule } from "../backup/schedule.ts";
import { ConfigError } from "../errors.ts";
import { BACKUP_SETTINGS } from "./backup_settings.ts";
import type { BackupConfig } from "./backup_types.ts";

type Field = keyof BackupConfig;

/** Without one of these there is no S3. */
const S3_NEEDS: readonly Field[] = [
  "s3Url",
  "s3Bucket",
  "s3Region",
  "s3Key",
  "s3Secret",
];

/** With one of these there should be S3. */
const S3_HINTS: readonly Field[] = [
  ...S3_NEEDS,
  "s3Prefix",
  "s3Ca",
];

/**
 * Checks what is said of backups as a whole: nothing that was set has no
 * effect. `keyOf` is a key's name as its writer knows it.
 *
 * @throws {ConfigError} naming the key that is missing or contradicts another.
 */
export function checkBackups(
  config: BackupConfig,
  keyOf: (toml: string) => string,
  nowMs: number,
): void {
  const nameOf = (field: Field): string => keyOf(BACKUP_SETTINGS[field].toml);
  const set = (field: Field): boolean => isSet(config[field]);
  const hint = S3_HINTS.find(set);
  const missing = S3_NEEDS.find((field) => !set(field));
  if (hint !== undefined && missing !== undefined) {
    throw notSet(missing, `but ${nameOf(hint)} is, and S3 needs both`);
  }
  if (hint !== undefined && !set("encKeys")) {
    throw notSet("encKeys", "and nothing goes to S3 that is not encrypted");
  }
  checkKeys(config, nameOf);
  if (set("backupFolder") && hint !== undefined) {
    throw new ConfigError(
      nameOf("backupFolder"),
      `is set, and ${nameOf(hint)}, too: backups go to one of both`,
    );
  }
  const nowhere = missing !== undefined && !set("backupFolder");
  if (set("backupLogInterval") && nowhere) {
    throw notSet(
      missing,
      `nor ${nameOf("backupFolder")}, but ${nameOf("backupLogInterval")} is`,
    );
  }
  const { backupRestore } = config;
  if (
    missing !== undefined && backupRestore.startsWith("s3:") ||
    nowhere && backupRestore === "latest"
  ) {
    throw notSet(missing, `but ${nameOf("backupRestore")} needs it`);
  }
  for (const field of ["backupCron", "backupVerify"] as const) {
    checkExpression(config, field, nameOf(field), nowMs);
  }
}

function checkKeys(
  { encKeys, encKeyActive }: BackupConfig,
  nameOf: (field: Field) => string,
): void {
  if (encKeys.length === 0) {
    if (encKeyActive === "") return;
    throw notSet("encKeys", `but ${nameOf("encKeyActive")} is`);
  }
  if (encKeyActive === "") {
    throw notSet("encKeyActive", `but ${nameOf("encKeys")} is`);
  }
  const ids = encKeys.map(({ id }) => id);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice !== undefined) {
    throw new ConfigError(nameOf("encKeys"), `the id ${twice} is listed twice`);
  }
  // It is not shown: who mixes things up may have put a key there.
  if (!ids.includes(encKeyActive)) {
    throw new ConfigError(
      nameOf("encKeyActive"),
      `is not the id of one of ${nameOf("encKeys")} (${ids.join(", ")})`,
    );
  }
}

function checkExpression(
  config: BackupConfig,
  field: "backupCron" | "backupVerify",
  name: string,
  nowMs: number,
): void {
  const expression = config[field];
  if (expression === "") return;
  try {
    new Schedule(expression, config.backupTimezone, nowMs);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigError(
      name,
      `"${expression.slice(0, 80)}" is no schedule: ${error.message}`,
    );
  }
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== "" && value !== 0;
}

function notSet(field: Field, why: string): ConfigError {
  const { toml, env } = BACKUP_SETTINGS[field];
  return new ConfigError(toml, `is not set (environment: ${env}), ${why}`);
}
