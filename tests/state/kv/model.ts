import {
  type CacheSettings,
  DEFAULT_SETTINGS,
  type KvAnswer,
  type KvOperation,
  type KvResult,
  type KvUnit,
  type KvValue,
} from "../../../src/state/kv/types.ts";

interface Entry {
  value: KvValue;
  version: number;
  deadline: number;
}

interface Counter {
  value: bigint;
  deadline: number;
}

interface Cache {
  /** What entries and counters are sorted by when they are due at once. */
  numbers: [number, number];
  settings: CacheSettings;
  entries: Record<string, Entry>;
  counters: Record<string, Counter>;
  expired: number;
  evicted: number;
}

/** Thrown to end a unit with this answer. */
class End {
  readonly answer: KvAnswer;
  constructor(answer: KvAnswer) {
    this.answer = answer;
  }
}

/**
 * What caches are to do, as plainly as possible: the state is one value that can be copied, a unit works on
 * a copy, and everything that is counted is counted anew each time.
 */
export class Model {
  clock = 0;
  #next = 1;
  #caches: Record<string, Cache> = {};
  /** Caches in the order in which the present unit changed them. */
  #changed: string[] = [];

  /** Applies one entry of the log. */
  apply(
    units: readonly KvUnit[],
    index: number,
    clock: number,
    maxBytes: number,
  ): KvAnswer[] {
    this.clock = Math.max(this.clock, clock);
    const operations = units.flatMap((unit) => unit.operations).length;
    this.#sweep(Math.max(256, 2 * operations));
    let version = index * 65_536;
    return units.map((unit) => {
      const caches = structuredClone(this.#caches);
      const next = this.#next;
      const first = version;
      version += unit.operations.length;
      try {
        return this.#unit(unit, first, maxBytes);
      } catch (end) {
        if (!(end instanceof End)) throw end;
        this.#caches = caches;
        this.#next = next;
        return end.answer;
      }
    });
  }

  /** Everything, in a form that can be compared. */
  dump(): unknown {
    return Object.keys(this.#caches).sort().map((name) => {
      const cache = this.#caches[name]!;
      return {
        name,
        settings: cache.settings,
        expired: cache.expired,
        evicted: cache.evicted,
        bytes: bytesOf(cache),
        entries: Object.entries(cache.entries).sort(byKey).map((
          [key, { value, version, deadline }],
        ) => [key, value.kind, value.bytes.toHex(), version, deadline]),
        counters: Object.entries(cache.counters).sort(byKey).map((
          [key, { value, deadline }],
        ) => [key, value, deadline]),
      };
    });
  }

  /** All versions of entries that are there, for operations that ask for them. */
  versions(): number[] {
    return Object.values(this.#caches).flatMap(({ entries }) =>
      Object.values(entries).map(({ version }) => version)
    );
  }

  #sweep(limit: number): void {
    const due = Object.values(this.#caches).flatMap((cache) => [
      ...Object.entries(cache.entries).map(([key, { deadline }]) => ({
        key,
        deadline,
        number: cache.numbers[0],
        remove: () => {
          delete cache.entries[key];
          cache.expired++;
        },
      })),
      ...Object.entries(cache.counters).map(([key, { deadline }]) => ({
        key,
        deadline,
        number: cache.numbers[1],
        remove: () => {
          delete cache.counters[key];
        },
      })),
    ]).filter(({ deadline }) => this.#over(deadline));
    due.sort((a, b) =>
      a.deadline - b.deadline || a.number - b.number ||
      (a.key < b.key ? -1 : 1)
    );
    for (const { remove } of due.slice(0, limit)) remove();
  }

  #over(deadline: number): boolean {
    return deadline !== 0 && deadline <= this.clock;
  }

  #entry(cache: string, key: string): Entry | undefined {
    const entry = this.#caches[cache]?.entries[key];
    return entry === undefined || this.#over(entry.deadline)
      ? undefined
      : entry;
  }

  #counter(cache: string, key: string): Counter | undefined {
    const counter = this.#caches[cache]?.counters[key];
    return counter === undefined || this.#over(counter.deadline)
      ? undefined
      : counter;
  }

  #unit(unit: KvUnit, first: number, maxBytes: number): KvAnswer {
    const before = structuredClone(this.#caches);
    for (const create of unit.creates ?? []) this.#whole(create);
    unit.checks.forEach((check, at) => {
      const entry = this.#entry(check.cache, check.key);
      const version = entry?.version ?? 0;
      const holds = "version" in check
        ? version === check.version
        : entry !== undefined && entry.value.kind === check.value.kind &&
          entry.value.bytes.toHex() === check.value.bytes.toHex();
      if (!holds) throw new End({ kind: "conflict", at, version });
    });
    this.#changed = [];
    const results = unit.operations.map((operation, i) =>
      this.#operation(operation, first + i, unit.checks.length + i)
    );
    this.#limit(before, first, maxBytes);
    return { kind: "done", results };
  }

  #operation(operation: KvOperation, version: number, at: number): KvResult {
    const result = { version: 0, found: false, previous: null, counter: 0n };
    const { cache: name } = operation;
    const present = this.#caches[name];
    switch (operation.kind) {
      case "put":
      case "replace": {
        const { key, value, ttlMs, keepTtl, ifVersion, ifPresent } = operation;
        const old = this.#entry(name, key);
        const unlike = ifVersion !== undefined &&
          ifVersion !== (old?.version ?? 0);
        if (unlike || ifPresent && old === undefined) {
          throw new End({ kind: "conflict", at, version: old?.version ?? 0 });
        }
        const cache = this.#created(name);
        if (cache.entries[key] !== undefined && old === undefined) {
          cache.expired++;
        }
        const lives = ttlMs === undefined ? cache.settings.ttlMs : ttlMs ?? 0;
        const deadline = keepTtl && old !== undefined
          ? old.deadline
          : lives && this.clock + lives;
        cache.entries[key] = { value, version, deadline };
        this.#changed.push(name);
        const previous = operation.kind === "replace"
          ? old?.value ?? null
          : null;
        return { ...result, version, previous };
      }
      case "delete":
      case "getRemove": {
        const { key } = operation;
        const old = this.#entry(name, key);
        if (
          operation.kind === "delete" && operation.ifVersion !== undefined &&
          operation.ifVersion !== (old?.version ?? 0)
        ) {
          throw new End({ kind: "conflict", at, version: old?.version ?? 0 });
        }
        if (old === undefined) return result;
        delete present!.entries[key];
        this.#changed.push(name);
        const previous = operation.kind === "delete" ? null : old.value;
        return { ...result, found: true, previous };
      }
      case "touch": {
        const old = this.#entry(name, operation.key);
        if (old === undefined) return result;
        old.deadline = operation.ttlMs === null
          ? 0
          : this.clock + operation.ttlMs;
        this.#changed.push(name);
        return { ...result, found: true };
      }
      case "add":
      case "setCounter":
        return { ...result, counter: this.#count(operation) };
      case "deleteCounter":
        if (this.#counter(name, operation.key) === undefined) return result;
        delete present!.counters[operation.key];
        this.#changed.push(name);
        return { ...result, found: true };
      default:
        return { ...result, found: this.#whole(operation) };
    }
  }

  #count(
    operation: Extract<KvOperation, { kind: "add" | "setCounter" }>,
  ): bigint {
    const { key } = operation;
    const cache = this.#created(operation.cache);
    const old = this.#counter(operation.cache, key);
    let value: bigint;
    let deadline = old?.deadline ?? 0;
    if (operation.kind === "add") {
      value = (old?.value ?? operation.initial ?? 0n) + operation.delta;
      if (value >= 2n ** 63n) value = 2n ** 63n - 1n;
      if (value < -(2n ** 63n)) value = -(2n ** 63n);
      const lives = operation.ttlMsIfNew ?? null;
      if (old === undefined && lives !== null) deadline = this.clock + lives;
    } else value = operation.value;
    cache.counters[key] = { value, deadline };
    this.#changed.push(operation.cache);
    return value;
  }

  #whole(
    operation: Extract<
      KvOperation,
      { kind: "create" | "clear" | "clearCounters" | "drop" }
    >,
  ): boolean {
    const { cache: name } = operation;
    const cache = this.#caches[name];
    switch (operation.kind) {
      case "create":
        if (cache === undefined) this.#created(name, operation.settings);
        else if (!same(cache.settings, operation.settings)) {
          throw new End({ kind: "refused", code: "conflict", message: "" });
        }
        return false;
      case "clear":
        if (cache === undefined) return false;
        cache.entries = {};
        cache.numbers[0] = this.#next++;
        return true;
      case "clearCounters":
        if (cache === undefined) return false;
        cache.counters = {};
        cache.numbers[1] = this.#next++;
        return true;
      case "drop":
        delete this.#caches[name];
        return cache !== undefined;
    }
  }

  #created(name: string, settings = DEFAULT_SETTINGS): Cache {
    return this.#caches[name] ??= {
      numbers: [this.#next++, this.#next++],
      settings,
      entries: {},
      counters: {},
      expired: 0,
      evicted: 0,
    };
  }

  /** Holds what a unit did against the limits: evicts, or ends it. */
  #limit(
    before: Record<string, Cache>,
    first: number,
    maxBytes: number,
  ): void {
    const full = new End({ kind: "refused", code: "cache_full", message: "" });
    const total = (caches: Record<string, Cache>): number =>
      Object.values(caches).reduce((sum, cache) => sum + bytesOf(cache), 0);
    const more = total(this.#caches) - total(before);
    const grown = [...new Set(this.#changed)].filter((name) => {
      const [cache, old] = [this.#caches[name]!, before[name]];
      return bytesOf(cache) > (old ? bytesOf(old) : 0) ||
        countOf(cache) > (old ? countOf(old) : 0);
    }).map((name) => this.#caches[name]!);
    const over = ({ settings, ...cache }: Cache): boolean =>
      settings.maxBytes > 0 && bytesOf(cache) > settings.maxBytes ||
      settings.maxEntries > 0 && countOf(cache) > settings.maxEntries;
    const evict = (cache: Cache): boolean => {
      const old = Object.entries(cache.entries)
        .filter(([, { version }]) => version < first)
        .sort(([, a], [, b]) => a.version - b.version)[0];
      if (cache.settings.onFull === "reject" || old === undefined) return false;
      delete cache.entries[old[0]];
      cache.evicted++;
      return true;
    };
    for (const cache of grown) {
      while (over(cache)) if (!evict(cache)) throw full;
    }
    for (const cache of grown) {
      while (total(this.#caches) > maxBytes && evict(cache));
    }
    if (more > 0 && total(this.#caches) > maxBytes) throw full;
  }
}

function countOf({ entries }: Pick<Cache, "entries">): number {
  return Object.keys(entries).length;
}

function bytesOf(
  { entries, counters }: Pick<Cache, "entries" | "counters">,
): number {
  let bytes = 0;
  for (const [key, { value }] of Object.entries(entries)) {
    bytes += key.length + value.bytes.length + 64;
  }
  for (const key of Object.keys(counters)) bytes += key.length + 8 + 64;
  return bytes;
}

function same(a: CacheSettings, b: CacheSettings): boolean {
  return JSON.stringify(Object.entries(a).sort()) ===
    JSON.stringify(Object.entries(b).sort());
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
