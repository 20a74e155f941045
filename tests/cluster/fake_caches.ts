import type { JsonValue } from "./api.ts";

/** What fake caches do wrong, each to one call in so many. */
export type CacheDefect =
  /** Acknowledges some changes without making them. */
  | "lose"
  /** Makes some changes twice. */
  | "double"
  /** Answers some reads from an old state. */
  | "stale"
  /** Lets what has a time to live go too early. */
  | "hurry"
  /** Keeps some of what it gives away. */
  | "keep"
  /** Takes no notice of some conditions. */
  | "trust";

/** Changes by which a stale read is behind. */
const LAG = 20;

interface Entry {
  readonly value: JsonValue;
  /** Another one with each put. */
  readonly version: number;
  readonly goneAt: number;
}

type Part = Readonly<Record<string, JsonValue>>;

/** The routes of caches that workloads use, over Maps, without any cluster. */
export class FakeCaches {
  readonly #wrong: (defect: CacheDefect) => boolean;
  #entries = new Map<string, Entry>();
  readonly #counters = new Map<string, number>();
  /** What stale reads see. */
  readonly #older: Map<string, Entry | number>[] = [];
  #index = 0;
  #versions = 0;

  /** `wrong` says whether something goes wrong now. */
  constructor(wrong: (defect: CacheDefect) => boolean) {
    this.#wrong = wrong;
  }

  /** Answers a request. */
  answer(route: string, body: Part): JsonValue {
    const place = { epoch: 1, index: this.#index };
    switch (route) {
      case "get": {
        const [key] = body.keys as string[];
        const found = this.#seen(`${body.cache}/${key}`) as Entry | undefined;
        const there = found !== undefined && this.#isThere(found);
        const entry = there
          ? { value: found.value, version: found.version, ttl_ms: null }
          : null;
        return { entries: [entry], ...place };
      }
      case "counter": {
        const count = this.#seen(`${body.cache}#${body.key}`) as
          | number
          | undefined;
        return { counter: count ?? null, ...place };
      }
      default:
        return this.#atomic(body);
    }
  }

  #atomic({ checks = [], ops }: Part): JsonValue {
    const before = { entries: this.#entries, counters: [...this.#counters] };
    const trusting = this.#wrong("trust");
    for (const check of checks as Part[]) {
      const entry = this.#entryAt(check);
      if (!trusting && entry?.value !== check.value) return this.#conflict();
    }
    this.#entries = new Map(before.entries);
    const results: JsonValue[] = [];
    const rounds = this.#wrong("double") ? 2 : 1;
    for (let round = 0; round < rounds; round++) {
      results.length = 0;
      for (const op of ops as Part[]) {
        const result = this.#perform(op, trusting || round > 0);
        if (result === null) return this.#conflict();
        results.push(result);
      }
    }
    if (this.#wrong("lose")) {
      this.#entries = before.entries;
      this.#counters.clear();
      for (const [key, count] of before.counters) {
        this.#counters.set(key, count);
      }
    }
    this.#index++;
    const state = [...this.#entries, ...this.#counters];
    this.#older.push(new Map<string, Entry | number>(state));
    if (this.#older.length > LAG) this.#older.shift();
    return { results, epoch: 1, index: this.#index };
  }

  /** Null if a condition does not hold. */
  #perform(op: Part, trusting: boolean): JsonValue | null {
    const name = `${op.cache}/${op.key}`;
    const old = this.#entryAt(op);
    const result = { version: 1, found: false, previous: null, counter: 0 };
    switch (op.op) {
      case "put": {
        const { if_version: version = old?.version ?? 0 } = op;
        if (version !== (old?.version ?? 0) && !trusting) return null;
        if (op.if_present === true && old === undefined) return null;
        const goneAt = op.keep_ttl === true && old !== undefined
          ? old.goneAt
          : this.#goneAfter(op.ttl_ms);
        const entry = { value: op.value!, version: ++this.#versions, goneAt };
        this.#entries.set(name, entry);
        return { ...result, version: entry.version };
      }
      case "touch":
        if (old === undefined) return result;
        this.#entries.set(name, {
          ...old,
          goneAt: this.#goneAfter(op.ttl_ms),
        });
        return { ...result, found: true };
      case "get_remove":
        if (!this.#wrong("keep")) this.#entries.delete(name);
        return { ...result, previous: old?.value ?? null };
      default: {
        const counter = `${op.cache}#${op.key}`;
        const count = (this.#counters.get(counter) ?? 0) + (op.delta as number);
        this.#counters.set(counter, count);
        return { ...result, counter: count };
      }
    }
  }

  #goneAfter(ttlMs: JsonValue | undefined): number {
    if (typeof ttlMs !== "number") return Infinity;
    const factor = this.#wrong("hurry") ? 0.3 : 1;
    return performance.now() + ttlMs * factor;
  }

  #entryAt({ cache, key }: Part): Entry | undefined {
    const entry = this.#entries.get(`${cache}/${key}`);
    return entry !== undefined && this.#isThere(entry) ? entry : undefined;
  }

  #isThere({ goneAt }: Entry): boolean {
    return goneAt > performance.now();
  }

  #seen(name: string): Entry | number | undefined {
    if (this.#older.length > 0 && this.#wrong("stale")) {
      return this.#older[0]!.get(name);
    }
    return this.#entries.get(name) ?? this.#counters.get(name);
  }

  #conflict(): JsonValue {
    const error = { code: "precondition_failed", message: "it does not hold" };
    return { error, epoch: 1, index: this.#index };
  }
}
