import { type ReadonlySignal, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { JsonSchemaObject } from "../../src/api/dashboard/schema.ts";
import { call } from "../api.ts";

/** The schema as it was read last. */
export interface KnownSchema {
  /** Null: not read yet. It stays while it is read again. */
  readonly objects: readonly JsonSchemaObject[] | null;
  /** Why it could not be read. */
  readonly error: unknown;
}

const known = signal<KnownSchema>({ objects: null, error: null });

/** The schema, which the pages share. */
export const schema: ReadonlySignal<KnownSchema> = known;

/** Reads it again: a page opens, or something was made, altered or dropped. */
export async function loadSchema(signal?: AbortSignal): Promise<void> {
  try {
    const { objects } = await call(
      "schema",
      signal === undefined ? {} : { signal },
    );
    known.value = { objects, error: null };
  } catch (error) {
    if (signal?.aborted) return;
    known.value = { ...known.value, error };
  }
}

/** The schema, read when a page opens. */
export function useSchema(): KnownSchema {
  useEffect(() => {
    const stop = new AbortController();
    void loadSchema(stop.signal);
    return () => stop.abort();
  }, []);
  return known.value;
}
