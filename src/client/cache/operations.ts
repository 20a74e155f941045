import { HiqliteError } from "../../errors.ts";
import type { KvOperation, KvValue, PutFields } from "../../state/kv/types.ts";
import { counterOf, keyOf } from "./arguments.ts";
import type {
  AddOptions,
  CacheKey,
  DeleteOptions,
  PutOptions,
} from "./types.ts";
import { versionCondition } from "./versions.ts";

/** An operation, and the life of the caches that its condition is about; null for any. */
export interface PreparedOperation {
  readonly operation: KvOperation;
  readonly epoch: number | null;
}

/** A put while it is made. */
type Put =
  & { kind: "put" | "replace" }
  & {
    -readonly [Name in keyof PutFields]: PutFields[Name];
  };

/** A put, or a replace, which answers what was there. @throws {HiqliteError} `invalid` */
export function putOf(
  kind: "put" | "replace",
  cache: string,
  key: CacheKey,
  value: KvValue,
  options: PutOptions,
): PreparedOperation {
  const { ttlMs, keepTtl, ifVersion, ifAbsent, ifPresent } = options;
  if (ifAbsent === true && (ifVersion ?? null) !== null) {
    throw new HiqliteError(
      "invalid",
      "ifAbsent and ifVersion exclude each other",
    );
  }
  if (ifPresent === true && (ifAbsent === true || ifVersion === null)) {
    throw new HiqliteError(
      "invalid",
      `${
        ifAbsent === true ? "ifAbsent" : "ifVersion null"
      } and ifPresent exclude each other`,
    );
  }
  const condition = ifAbsent === true
    ? versionCondition(null, "ifAbsent")
    : ifVersion === undefined
    ? null
    : versionCondition(ifVersion, "ifVersion");
  // Field by field: this is on the way of every put, where spreading costs more than encoding.
  const operation: Put = { kind, cache, key: keyOf(key), value };
  if (ttlMs !== undefined) operation.ttlMs = ttlMs;
  if (keepTtl !== undefined) operation.keepTtl = keepTtl;
  if (condition !== null) operation.ifVersion = condition.version;
  if (ifPresent !== undefined) operation.ifPresent = ifPresent;
  return { operation, epoch: condition?.epoch ?? null };
}

/** A delete. @throws {HiqliteError} `invalid` */
export function deleteOf(
  cache: string,
  key: CacheKey,
  { ifVersion }: DeleteOptions,
): PreparedOperation {
  const condition = ifVersion === undefined
    ? null
    : versionCondition(ifVersion, "ifVersion");
  return {
    operation: {
      kind: "delete",
      cache,
      key: keyOf(key),
      ...(condition === null ? {} : { ifVersion: condition.version }),
    },
    epoch: condition?.epoch ?? null,
  };
}

/** An addition to a counter. @throws {HiqliteError} `invalid` */
export function addOf(
  cache: string,
  key: CacheKey,
  delta: number | bigint,
  { initial, ttlMsIfNew }: AddOptions,
): PreparedOperation {
  return {
    operation: {
      kind: "add",
      cache,
      key: keyOf(key),
      delta: counterOf(delta, "delta"),
      ...(initial === undefined
        ? {}
        : { initial: counterOf(initial, "initial") }),
      ...(ttlMsIfNew === undefined ? {} : { ttlMsIfNew }),
    },
    epoch: null,
  };
}
