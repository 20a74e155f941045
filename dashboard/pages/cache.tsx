import type { VNode } from "preact";
import { call } from "../api.ts";
import { formatBytes, formatCount, formatInteger } from "../format.ts";
import { EmptyState } from "../parts/empty_state.tsx";
import { Problem } from "../parts/problem.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { useLoaded } from "../parts/use_loaded.ts";
import { href } from "../route.ts";
import { route } from "../router.ts";
import { CacheKeys } from "./cache_keys.tsx";

/** A cache as `GET cache` tells of it. */
interface CacheLine {
  readonly name: string;
  readonly entries: number;
  readonly counters: number;
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
  readonly settings: { readonly max_bytes?: number };
}

/** The caches, and the keys of one. */
export function Page(): VNode {
  const [name] = route.value.path;
  return name === undefined
    ? <Caches />
    : <CacheKeys key={name} cache={name} />;
}

function Caches(): VNode {
  const { value, error } = useLoaded(readCaches, []);
  return (
    <div class="page">
      <header class="heading">
        <div>
          <h1 tabIndex={-1}>Cache</h1>
          {value === null
            ? null
            : <p class="muted">{formatCount(value.length, "cache")}</p>}
        </div>
      </header>
      {error === null ? null : <Problem error={error} />}
      <section class="card">
        {value === null
          ? (
            <div class="inside">
              <Skeleton lines={4} />
            </div>
          )
          : value.length === 0
          ? (
            <EmptyState icon="layers" title="No cache yet">
              A cache is there once a program writes to it.
            </EmptyState>
          )
          : (
            <Table
              caption="Caches"
              columns={COLUMNS}
              rows={value}
              keyOf={(cache) => cache.name}
            />
          )}
      </section>
    </div>
  );
}

async function readCaches(signal: AbortSignal): Promise<readonly CacheLine[]> {
  const answer = await call("caches", { signal });
  return (answer as { readonly caches: readonly CacheLine[] }).caches;
}

const COLUMNS: readonly Column<CacheLine>[] = [
  {
    title: "Cache",
    cell: ({ name }) => <a class="break" href={href("cache", [name])}>{name}
    </a>,
  },
  {
    title: "Entries",
    number: true,
    cell: ({ entries }) => formatInteger(entries),
  },
  {
    title: "Counters",
    number: true,
    cell: ({ counters }) => formatInteger(counters),
  },
  { title: "Size", number: true, cell: ({ bytes }) => formatBytes(bytes) },
  {
    title: "Of at most",
    number: true,
    // 0: it has no limit of its own.
    cell: ({ settings }) => formatBytes(settings.max_bytes || null),
  },
  {
    title: "Found here",
    number: true,
    cell: ({ hits, misses }) =>
      hits + misses === 0
        ? "–"
        : `${Math.round(100 * hits / (hits + misses))} %`,
  },
];
