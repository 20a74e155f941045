import { HiqliteError } from "../../errors.ts";
import type { KvUnit } from "../../state/kv/types.ts";
import type { WriteOptions } from "../call_options.ts";
import { PreconditionError } from "./precondition_error.ts";
import type { CacheSession, CacheWritten } from "./session.ts";

/** A unit with the versions that it is about. */
export interface Write {
  readonly unit: KvUnit;
  /** The lives that its versions are of, with the place of each condition. */
  readonly versions: readonly { readonly epoch: number; readonly at: number }[];
}

/**
 * Applies a unit; with versions only in the life of the caches that they are of.
 * @throws {PreconditionError} also if a version is of a life that is over.
 */
export function writeUnit(
  session: CacheSession,
  write: Write,
  options: WriteOptions,
): Promise<CacheWritten> {
  return write.versions.length === 0
    ? session.write(write.unit, options, null)
    : writeInLife(session, write, options);
}

async function writeInLife(
  session: CacheSession,
  { unit, versions }: Write,
  options: WriteOptions,
): Promise<CacheWritten> {
  const { epoch, at } = versions[0]!;
  const other = versions.find((version) => version.epoch !== epoch);
  if (other !== undefined) throw ofAnotherLife(other.at);
  try {
    return await session.write(unit, options, epoch);
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
