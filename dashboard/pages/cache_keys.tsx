import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call } from "../api.ts";
import { groupsBelow, prefixesOf } from "../cache_tree.ts";
import { formatBytes, formatDuration, formatInteger } from "../format.ts";
import { Button } from "../parts/button.tsx";
import { Chip } from "../parts/chip.tsx";
import { EmptyState } from "../parts/empty_state.tsx";
import { Problem } from "../parts/problem.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { useLoaded } from "../parts/use_loaded.ts";
import { href } from "../route.ts";
import { go, route } from "../router.ts";
import type {
  JsonCacheLine,
  JsonCachePage,
  JsonCachePageRequest,
} from "../../src/api/dashboard/cache.ts";
import { isAdmin } from "../state/session.ts";
import { DeletePrefix } from "./cache_delete.tsx";
import { keyText } from "../values/cache_key.ts";
import { CacheEntry } from "./cache_entry.tsx";
import { MissingKey, useSoughtLine } from "./cache_sought.tsx";

/** Keys are loaded so many at a time. */
const PAGE = 200;

/** Keys that were loaded, and when: what is left of their time is counted from then. */
interface Keys {
  readonly entries: readonly JsonCacheLine[];
  readonly more: boolean;
  readonly atMs: number;
}

/** The keys of a cache below a prefix, and the value of one. */
export function CacheKeys({ cache }: { readonly cache: string }): VNode {
  const prefix = route.value.query.get("prefix") ?? "";
  const chosen = route.value.query.get("key");
  const { keys, error, reload, loadMore } = useKeys(cache, prefix);
  const open = (key: string | null): void =>
    go("cache", [cache], {
      ...(prefix === "" ? {} : { prefix }),
      ...(key === null ? {} : { key }),
    });
  const listed = keys?.entries.find(({ key }) => keyText(key) === chosen);
  const sought = useSoughtLine(
    cache,
    keys === null || listed !== undefined ? null : chosen,
  );
  const line = listed ?? sought.line;
  return (
    <div class="page">
      <Heading cache={cache} prefix={prefix} reload={reload} />
      {error === null ? null : <Problem error={error} />}
      <div
        class={line === undefined && !sought.missing
          ? "cache-panes"
          : "cache-panes opened"}
      >
        <section class="card">
          {keys === null
            ? (
              <div class="inside">
                <Skeleton lines={6} />
              </div>
            )
            : (
              <KeyList
                cache={cache}
                prefix={prefix}
                keys={keys}
                chosen={chosen}
                open={open}
                loadMore={loadMore}
              />
            )}
        </section>
        {line === undefined ? null : (
          <CacheEntry
            key={`${chosen} ${line.version}`}
            cache={cache}
            line={line}
            onClose={() => open(null)}
            onChanged={() => {
              reload();
              sought.reload();
            }}
          />
        )}
        {sought.missing
          ? (
            <MissingKey
              name={chosen!}
              error={sought.error}
              onClose={() => open(null)}
            />
          )
          : null}
      </div>
    </div>
  );
}

/** The first page of keys, and more of them when they are asked for. */
function useKeys(cache: string, prefix: string) {
  const first = useLoaded(
    (signal) => readKeys({ cache, prefix, limit: PAGE }, signal),
    [cache, prefix],
  );
  const [more, setMore] = useState<Keys | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => setMore(null), [first.value]);
  const keys = more ?? first.value;
  const loadMore = (): void => {
    const last = keys?.entries.at(-1);
    if (keys === null || last === undefined) return;
    readKeys({ cache, prefix, limit: PAGE, after: last.key }).then(
      (next) =>
        setMore({ ...next, entries: [...keys.entries, ...next.entries] }),
      setError,
    );
  };
  return { keys, error: first.error ?? error, reload: first.reload, loadMore };
}

async function readKeys(
  body: JsonCachePageRequest,
  signal?: AbortSignal,
): Promise<Keys> {
  const page = await call("cacheList", {
    body,
    ...(signal === undefined ? {} : { signal }),
  }) as JsonCachePage;
  return { entries: page.entries, more: page.more, atMs: performance.now() };
}

function Heading(
  { cache, prefix, reload }: {
    readonly cache: string;
    readonly prefix: string;
    readonly reload: () => void;
  },
): VNode {
  const [text, setText] = useState(prefix);
  useEffect(() => setText(prefix), [prefix]);
  return (
    <header class="heading">
      <div>
        <h1 tabIndex={-1} class="break">{cache}</h1>
        <nav class="prefixes muted" aria-label="Prefix">
          <a href={href("cache", [cache])}>all keys</a>
          {prefixesOf(prefix).map(({ prefix, name }) => (
            <a key={prefix} href={href("cache", [cache], { prefix })}>
              {name}
            </a>
          ))}
        </nav>
      </div>
      <form
        class="end"
        onSubmit={(event) => {
          event.preventDefault();
          go("cache", [cache], text === "" ? {} : { prefix: text });
        }}
      >
        <input
          class="input compact filter"
          type="search"
          data-filter
          aria-label="A key, or how keys begin"
          placeholder="A key, or how keys begin"
          title="Bytes are hex:00ff or base64:AP8="
          spellcheck={false}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <Button
          compact
          disabled={text === ""}
          onClick={() =>
            go("cache", [cache], {
              ...(prefix !== "" && text.startsWith(prefix) ? { prefix } : {}),
              key: text,
            })}
        >
          Go to key
        </Button>
        <Button compact icon="refresh-cw" label="Load again" onClick={reload} />
        {prefix === "" || !isAdmin.value
          ? null
          : <DeletePrefix cache={cache} prefix={prefix} onClosed={reload} />}
      </form>
    </header>
  );
}

function KeyList(
  { cache, prefix, keys, chosen, open, loadMore }: {
    readonly cache: string;
    readonly prefix: string;
    readonly keys: Keys;
    readonly chosen: string | null;
    readonly open: (key: string) => void;
    readonly loadMore: () => void;
  },
): VNode {
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((tick) => tick + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  if (keys.entries.length === 0) {
    return (
      <EmptyState
        icon="layers"
        title={prefix === "" ? "No keys" : "No key begins so"}
      />
    );
  }
  const texts = keys.entries.map(({ key }) => keyText(key));
  const groups = groupsBelow(texts, prefix);
  const inGroup = (key: string): boolean =>
    groups.some((group) => key.startsWith(group.prefix));
  const passed = performance.now() - keys.atMs;
  return (
    <>
      <ul class="keys">
        {groups.map((group) => (
          <li key={`group ${group.prefix}`}>
            <a href={href("cache", [cache], { prefix: group.prefix })}>
              <code class="clip">{group.name}</code>
              <span class="faint">
                {formatInteger(group.count)}
                {keys.more ? " or more" : ""} keys
              </span>
            </a>
          </li>
        ))}
        {keys.entries.filter((_, at) => !inGroup(texts[at]!)).map((line) => (
          <KeyLine
            key={keyText(line.key)}
            line={line}
            chosen={keyText(line.key) === chosen}
            leftMs={line.ttl_ms === null ? null : line.ttl_ms - passed}
            open={open}
          />
        ))}
      </ul>
      {keys.more
        ? (
          <div class="list-end">
            <Button onClick={loadMore}>Load more keys</Button>
          </div>
        )
        : null}
    </>
  );
}

function KeyLine(
  { line, chosen, leftMs, open }: {
    readonly line: JsonCacheLine;
    readonly chosen: boolean;
    readonly leftMs: number | null;
    readonly open: (key: string) => void;
  },
): VNode {
  const text = keyText(line.key);
  const gone = leftMs !== null && leftMs <= 0;
  return (
    <li class={gone ? "gone" : undefined}>
      <button
        type="button"
        aria-pressed={chosen}
        onClick={() => open(text)}
      >
        <code class="clip" title={text}>{text}</code>
        <Chip>{line.kind}</Chip>
        <span class="muted size">{formatBytes(line.size)}</span>
        <span class={leftMs === null ? "ttl faint" : "ttl"}>
          {leftMs === null
            ? "for ever"
            : gone
            ? "expired"
            : `${formatDuration(leftMs)} left`}
        </span>
      </button>
    </li>
  );
}
