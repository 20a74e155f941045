import type { VNode } from "preact";
import { call } from "../api.ts";
import { Button } from "../parts/button.tsx";
import { EmptyState } from "../parts/empty_state.tsx";
import { Problem } from "../parts/problem.tsx";
import { useLoaded } from "../parts/use_loaded.ts";
import type {
  JsonCacheLine,
  JsonCachePage,
} from "../../src/api/dashboard/cache.ts";
import { keysNamed, keyText } from "../values/cache_key.ts";

/** The line of a key that is not in the list; null: none is sought. */
export function useSoughtLine(cache: string, key: string | null): {
  readonly line: JsonCacheLine | undefined;
  /** It was looked for, and is not there, or nobody can say. */
  readonly missing: boolean;
  readonly error: unknown;
  readonly reload: () => void;
} {
  const { value, error, loading, reload } = useLoaded(async (signal) => {
    if (key === null) return { key, line: undefined };
    for (const named of keysNamed(key)) {
      // A key begins with itself, and comes before all others that do.
      const { entries: [first] } = await call("cacheList", {
        body: { cache, prefix: named, limit: 1 },
        signal,
      }) as JsonCachePage;
      const found = first !== undefined &&
        keyText(first.key) === keyText(named);
      if (found) return { key, line: first };
    }
    return { key, line: undefined };
  }, [cache, key]);
  const known = key !== null && value?.key === key;
  return {
    line: known ? value.line : undefined,
    missing: key !== null && !loading &&
      (error !== null || (known && value.line === undefined)),
    error,
    reload,
  };
}

/** In the place of the value of a key that is not there. */
export function MissingKey(
  { name, error, onClose }: {
    readonly name: string;
    readonly error: unknown;
    readonly onClose: () => void;
  },
): VNode {
  return (
    <section class="card entry" aria-label={`Value of ${name}`}>
      <header>
        <h2 class="break mono">{name}</h2>
        <div class="end">
          <Button look="plain" icon="x" label="Close" onClick={onClose} />
        </div>
      </header>
      {error === null
        ? (
          <EmptyState icon="key-round" title="There is no such key">
            It was deleted, its time is over, or it never was.
          </EmptyState>
        )
        : (
          <div class="inside">
            <Problem error={error} />
          </div>
        )}
    </section>
  );
}
