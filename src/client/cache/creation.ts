import {
  type CacheSettings,
  DEFAULT_SETTINGS,
  type OperationOf,
} from "../../state/kv/types.ts";
import type { CacheOptions } from "./types.ts";

/** Creates a cache with its settings. */
export type CacheCreate = OperationOf<"create">;

/** How a handle's cache comes to be. */
export interface CacheCreation {
  /** What `create()` asks for. */
  readonly create: CacheCreate;
  /**
   * What goes with every change of a handle that has settings, so that it never makes a cache with
   * others, whoever dropped it when. Those of a handle without settings come to be by themselves.
   */
  readonly creates: readonly CacheCreate[];
}

/** How the cache of a handle with `options` comes to be. */
export function creationOf<T>(
  cache: string,
  { ttlMs, maxBytes, maxEntries, onFull }: CacheOptions<T>,
): CacheCreation {
  const given = [ttlMs, maxBytes, maxEntries, onFull];
  const settings: CacheSettings = {
    ttlMs: ttlMs ?? DEFAULT_SETTINGS.ttlMs,
    maxBytes: maxBytes ?? DEFAULT_SETTINGS.maxBytes,
    maxEntries: maxEntries ?? DEFAULT_SETTINGS.maxEntries,
    onFull: onFull ?? DEFAULT_SETTINGS.onFull,
  };
  // One object for all changes: those of one log entry carry it once.
  const create: CacheCreate = { kind: "create", cache, settings };
  const wanted = given.some((setting) => setting !== undefined);
  return { create, creates: wanted ? [create] : [] };
}
