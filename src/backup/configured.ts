import type { BackupConfig } from "../config/backup_types.ts";
import { KeyRing } from "./key_ring.ts";
import { Schedule } from "./schedule.ts";

/** The keys of a configuration; null if it has none. */
export function keyRingOf(config: BackupConfig): KeyRing | null {
  const { encKeys, encKeyActive } = config;
  return encKeys.length === 0 ? null : new KeyRing(encKeys, encKeyActive);
}

/** Whether backups have somewhere to go by themselves: S3, a shared folder, or copies of each member. */
export function hasTarget(config: BackupConfig): boolean {
  return config.s3Url !== "" || config.backupFolder !== "" ||
    config.backupKeepDaysLocal > 0;
}

/** When backups are made; null: only when asked for. */
export function backupSchedule(
  config: BackupConfig,
  nowMs: number,
): Schedule | null {
  return scheduleOf(config, config.backupCron, nowMs);
}

/** When the newest backup is verified; null: only when asked for. */
export function verifySchedule(
  config: BackupConfig,
  nowMs: number,
): Schedule | null {
  return scheduleOf(config, config.backupVerify, nowMs);
}

function scheduleOf(
  config: BackupConfig,
  expression: string,
  nowMs: number,
): Schedule | null {
  if (expression === "" || !hasTarget(config)) return null;
  return new Schedule(expression, config.backupTimezone, nowMs);
}
