import { parseVersion } from "../../api/cache_json.ts";
import { HiqliteError } from "../../errors.ts";
import type { CachePosition } from "../../node/port.ts";
import { PACK_OPERATIONS_MAX } from "../../state/kv/limits.ts";
import { versionOf } from "./arguments.ts";

/** Where the write with a version stands. @throws {HiqliteError} `invalid` */
export function positionOfVersion(text: string, path: string): CachePosition {
  const { epoch, version } = parseVersion(text, path);
  return { epoch, index: Math.floor(version / PACK_OPERATIONS_MAX) };
}

/** A condition on a version, and the life of the caches in which it means something. */
export interface VersionCondition {
  /** 0: there is no entry. */
  readonly version: number;
  /** Null: in any. */
  readonly epoch: number | null;
}

/** A version as a condition; null for none. @throws {HiqliteError} `invalid` */
export function versionCondition(
  text: string | null,
  path: string,
): VersionCondition {
  const given = versionOf(text, path);
  if (given === null) return { version: 0, epoch: null };
  const condition = parseVersion(given, path);
  // As a number it would mean that there is no entry.
  if (condition.version > 0) return condition;
  throw new HiqliteError(
    "invalid",
    `${path}: no entry ever has the version "${given}"; null says that there is none`,
  );
}
