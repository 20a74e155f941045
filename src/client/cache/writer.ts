import { HiqliteError } from "../../errors.ts";
import type { KvUnit } from "../../state/kv/types.ts";
import type { WriteOptions } from "../call_options.ts";
import type { CacheCreation } from "./creation.ts";
import { PreconditionError } from "./precondition_error.ts";
import type { CacheSession, CacheWritten } from "./session.ts";

/** A unit with what must be so in the life of the caches where it is applied. */
export interface Write {
  readonly unit: KvUnit;
  /** The caches that must have been created before. */
  readonly creations: readonly CacheCreation[];
  /** The lives that its versions are of, with the place of each condition. */
  readonly versions: readonly { readonly epoch: number; readonly at: number }[];
}

/**
 * Applies a unit in one life of the caches: that of its versions, and in which its caches were created.
 * @throws {PreconditionError} also if a version is of a life that is over.
 */
export async function writeUnit(
  session: CacheSession,
  { unit, creations, versions }: Write,
  options: WriteOptions,
): Promise<CacheWritten> {
  for (;;) {
    let epoch: number | null = null;
    for (const creation of creations) {
      const before = creation.before(options);
      const created = before instanceof Promise ? await before : before;
      epoch = Math.max(epoch ?? 0, created ?? 0) || null;
    }
    epoch ??= versions[0]?.epoch ?? null;
    const other = versions.find((version) => version.epoch !== epoch);
    if (other !== undefined) throw ofAnotherLife(other.at);
    try {
      return await session.write(unit, options, epoch);
    } catch (error) {
      const over = error instanceof HiqliteError &&
        error.code === "cache_reset";
      if (!over) throw error;
      if (versions.length > 0) throw ofAnotherLife(versions[0]!.at);
      for (const creation of creations) creation.forget();
    }
  }
}

function ofAnotherLife(at: number): PreconditionError {
  return new PreconditionError(
    `Condition ${at} does not hold: its version is of a life of the caches that is over. Nothing was done`,
    null,
    at,
  );
}
