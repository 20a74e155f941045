import { HiqliteError } from "../../errors.ts";
import type { KvUnit } from "../../state/kv/types.ts";
import type { WriteOptions } from "../call_options.ts";
import { PreconditionError } from "./precondition_error.ts";
import type { CacheSession, CacheWritten } from "./session.ts";

/** All that a unit did. */
export function asIs(written: CacheWritten): CacheWritten {
  return written;
}

/** A unit with the versions that it is about. */
export interface Write {
  readonly unit: KvUnit;
  /** The lives that its versions are of, with the place of each condition. */
  readonly versions: readonly { readonly epoch: number; readonly at: number }[];
}

/**
 * Applies a unit, and answers what `pick` makes of what it did; with versions only in the life of the caches that they are of.
 * @throws {PreconditionError} also if a version is of a life that is over.
 */
export function writeUnit<T>(
  session: CacheSession,
  write: Write,
  options: WriteOptions,
  pick: (written: CacheWritten) => T | Promise<T>,
): Promise<T> {
  return write.versions.length === 0
    ? session.write(write.unit, options, null, pick)
    : writeInLife(session, write, options, pick);
}

async function writeInLife<T>(
  session: CacheSession,
  { unit, versions }: Write,
  options: WriteOptions,
  pick: (written: CacheWritten) => T | Promise<T>,
): Promise<T> {
  const { epoch, at } = versions[0]!;
  const other = versions.find((version) => version.epoch !== epoch);
  if (other !== undefined) throw ofAnotherLife(other.at);
  try {
    return await session.write(unit, options, epoch, pick);
  } catch (error) {
    const over = error instanceof HiqliteError && error.code === "cache_reset";
    throw over ? ofAnotherLife(at) : error;
  }
}

function ofAnotherLife(at: number): PreconditionError {
  return new PreconditionError(
    `Condition ${at} does not hold: its version is of another life of the caches. Nothing was done`,
    null,
    at,
  );
}
