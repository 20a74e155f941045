import { HiqliteError } from "../../errors.ts";
import type { EventCursor } from "../../group/event_feed.ts";
import type { RaftGroup } from "../../group/group.ts";
import { changeIn, type KvEventKind } from "../../state/kv/events.ts";
import type { Clock } from "../../util/clock.ts";
import { WATCHED_KEYS_MAX } from "../../state/kv/limits.ts";
import type { KvMachine } from "../../state/kv/port.ts";
import type { ByteKey, KvRange } from "../../state/kv/types.ts";
import { prefixRange, rangeAfter } from "../../state/kv/ranges.ts";
import type {
  CachePosition,
  CacheWatchEvent,
  CacheWatchRequest,
} from "../port.ts";
import { listPage } from "./cache_page.ts";
import { Attendance } from "./attendance.ts";
import { Followers } from "./followers.ts";

/** Entries that are read at once when everything is told. */
const PAGE_ENTRIES = 100;
/** So long a member whose group has a leader may not have what another one told already. */
const BEHIND_MS = 3_000;
/** Watches of a member: each of them is looked at whenever something changes. */
const WATCHES_MAX = 1_000;
/** Events of one state that are kept for the watches that tell the same. */
const SHARED_MAX = 16;
/** Between two looks whether it has. */
const LOOK_MS = 50;

/** Events that tell nothing of entries. */
const COUNTERS: ReadonlySet<string> = new Set(
  [
    "counter",
    "deleteCounter",
    "expireCounter",
    "clearCounters",
  ] satisfies KvEventKind[],
);

/** What watches need from their service. */
export interface CacheWatchesPorts {
  readonly clock: Clock;
  group(): RaftGroup | null;
  epoch(): number;
  machine(): KvMachine | null;
}

/** What a watch is about: some keys, or a range. */
interface Watched {
  readonly cache: string;
  readonly keys: readonly ByteKey[] | null;
  readonly prefix: ByteKey;
  readonly shared: boolean;
}

/** What watches were told of one state. */
interface SharedEvents {
  readonly machine: KvMachine;
  readonly index: number;
  readonly events: Map<string, CacheWatchEvent>;
}

/** A life of the caches as a watch sees it. */
interface Life {
  readonly epoch: number;
  readonly group: RaftGroup;
  readonly machine: KvMachine;
}

/**
 * Tells watchers the latest values of what changes. Each reads the group's events by a cursor of its own
 * when it wants more, so one that is slow costs nothing and holds up nobody; what it missed it hears as a reset.
 */
export class CacheWatches {
  readonly #ports: CacheWatchesPorts;
  readonly #running = new Attendance();
  readonly #followers = new Followers("watch");
  #told: SharedEvents | null = null;
  #group: RaftGroup | null = null;

  /** Watches the caches in `ports`. */
  constructor(ports: CacheWatchesPorts) {
    this.#ports = ports;
  }

  /** See {@linkcode MemberCaches.watch}. */
  watch(request: CacheWatchRequest): AsyncIterable<CacheWatchEvent> {
    const { cache, keys, prefix, since, signal, shared = false } = request;
    if (
      keys !== undefined &&
      (prefix !== undefined || keys.length === 0 ||
        keys.length > WATCHED_KEYS_MAX)
    ) {
      throw new HiqliteError(
        "invalid",
        `watch: expected a prefix, or 1 to ${WATCHED_KEYS_MAX} keys`,
      );
    }
    if (this.#running.count >= WATCHES_MAX) {
      throw new HiqliteError(
        "overloaded",
        `There are ${WATCHES_MAX} watches at this member, the most it takes: end some, or watch through another one`,
      );
    }
    const watched = {
      cache,
      keys: keys ?? null,
      prefix: prefix ?? "",
      shared,
    };
    return this.#running.while(
      this.#tell(watched, since ?? null, signal),
      signal,
    );
  }

  /** Has watches see that the caches began anew. Call it a few times a second. */
  tick(): void {
    const group = this.#ports.group();
    if (group === this.#group) return;
    this.#group = group;
    this.#followers.wakeAll();
  }

  /** Ends all watches, and those to come. */
  close(): void {
    this.#followers.close();
  }

  async *#tell(
    watched: Watched,
    since: CachePosition | null,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<CacheWatchEvent> {
    // What never comes here nobody can go on from.
    let told = since !== null && await this.#reached(since, signal)
      ? since
      : null;
    while (this.#followers.goesOn(signal)) {
      const life = this.#life;
      if (life === null) {
        await this.#woken(null, signal);
        continue;
      }
      const from = told?.epoch === life.epoch ? told.index : null;
      told = yield* this.#tellLife(watched, life, from, signal);
    }
  }

  /** Whether this member has what the watch was told before, perhaps by another member; waits for it briefly. */
  async #reached(
    { epoch, index }: CachePosition,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { clock } = this.#ports;
    let ledSince: number | null = null;
    while (this.#followers.goesOn(signal)) {
      const life = this.#life;
      const at = life?.epoch ?? 0;
      const end = life?.group.events.end ?? -1;
      if (at > epoch || at === epoch && end >= index) return true;
      // Without a leader nothing can be said of what there is elsewhere.
      const leader = life?.group.core.leader ?? null;
      ledSince = leader === null ? null : ledSince ?? clock.monotonic();
      if (ledSince !== null && clock.monotonic() - ledSince >= BEHIND_MS) {
        return false;
      }
      await this.#woken(life, signal, LOOK_MS);
    }
    return false;
  }

  /** Tells until the life is over; answers where it ended, or null if something was missed. Without `from`, everything at first. */
  async *#tellLife(
    watched: Watched,
    life: Life,
    from: number | null,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<CacheWatchEvent, CachePosition | null> {
    const { epoch, group: { events } } = life;
    let position = { epoch, index: from ?? events.end };
    const cursor = events.cursor(position.index);
    if (from === null) {
      yield { kind: "reset" };
      yield* this.#all(watched, life);
      yield { kind: "position", position };
    }
    while (this.#followers.goesOn(signal) && this.#lives(life)) {
      const changed = this.#changed(watched, cursor);
      if (changed === null) return null;
      const index = Math.max(position.index, events.end);
      for (const key of changed) {
        // Between two of them the caches may begin anew.
        if (!this.#lives(life)) return position;
        yield this.#latest(watched, life, key);
      }
      position = { epoch, index };
      if (changed.size > 0) yield { kind: "position", position };
      else await this.#woken(life, signal);
    }
    return position;
  }

  /** Everything that is there now; what changes meanwhile is told again. A watch that is not read keeps keys alone. */
  async *#all(
    watched: Watched,
    life: Life,
  ): AsyncGenerator<CacheWatchEvent> {
    const { machine } = life;
    const { cache, keys, prefix } = watched;
    if (keys === null) await machine.arrange(cache);
    let range = { ...prefixRange(prefix), reverse: false, limit: PAGE_ENTRIES };
    while (this.#lives(life)) {
      const page = keys === null
        ? keysOf(machine, cache, range)
        : { keys, more: false };
      for (const key of page.keys) {
        if (!this.#lives(life)) return;
        const event = this.#latest(watched, life, key);
        if (event.kind === "entry") yield event;
      }
      if (!page.more) return;
      range = rangeAfter(range, page.keys.at(-1)!);
    }
  }

  /** The watched keys that changed since the last call; null if that cannot be said. */
  #changed(
    { cache, keys, prefix }: Watched,
    cursor: EventCursor,
  ): Set<ByteKey> | null {
    const changed = new Set<ByteKey>();
    for (let event = cursor.next(); event !== null; event = cursor.next()) {
      if ("gap" in event) return null;
      if (COUNTERS.has(event.kind)) continue;
      const { cache: changedCache, key } = changeIn(event);
      if (changedCache !== cache) continue;
      // All entries are gone at once.
      if (key === "") return null;
      const wanted = keys === null
        ? key.startsWith(prefix)
        : keys.includes(key);
      if (wanted) changed.add(key);
    }
    return changed;
  }

  #latest(
    { cache, shared }: Watched,
    life: Life,
    key: ByteKey,
  ): CacheWatchEvent {
    if (!shared) return latestOf(cache, life, key);
    const { machine } = life;
    const { index } = machine.applied;
    let told = this.#told;
    if (told === null || told.machine !== machine || told.index !== index) {
      told = this.#told = { machine, index, events: new Map() };
    }
    const { events } = told;
    // No cache's name has a slash.
    const name = `${cache}/${key}`;
    const known = events.get(name);
    if (known !== undefined) return known;
    const event = latestOf(cache, life, key);
    events.set(name, event);
    if (events.size > SHARED_MAX) {
      const [oldest] = events.keys();
      events.delete(oldest!);
    }
    return event;
  }

  get #life(): Life | null {
    const { epoch, group, machine } = this.#ports;
    const present = { group: group(), machine: machine() };
    return present.group === null || present.machine === null
      ? null
      : { epoch: epoch(), group: present.group, machine: present.machine };
  }

  /** A member that was rebuilt has another loop, in the same epoch. */
  #lives({ group }: Life): boolean {
    return this.#ports.group() === group;
  }

  /** Resolves when there may be something to tell, or the watch may be over, at the latest after `ms`. */
  #woken(
    life: Life | null,
    signal: AbortSignal | undefined,
    ms?: number,
  ): Promise<unknown> {
    const listen = (wake: () => void) => life!.group.events.listen(wake);
    return this.#followers.woken(
      signal,
      ms,
      life === null ? undefined : listen,
    );
  }
}

function latestOf(
  cache: string,
  { machine, epoch }: Life,
  key: ByteKey,
): CacheWatchEvent {
  const entry = machine.reads.get(cache, key, machine.clockMs);
  return entry === null
    ? { kind: "removed", key }
    : { kind: "entry", key, entry, epoch };
}

/** The keys of a page: whoever waits with it in hand keeps no values. */
function keysOf(
  machine: KvMachine,
  cache: string,
  range: KvRange,
): { readonly keys: readonly ByteKey[]; readonly more: boolean } {
  const page = listPage(machine.reads, cache, range, machine.clockMs);
  return { keys: page.entries.map(({ key }) => key), more: page.more };
}
