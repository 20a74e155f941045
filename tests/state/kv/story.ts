import type {
  CacheSettings,
  KvCheck,
  KvOperation,
  KvUnit,
  KvValue,
} from "../../../src/state/kv/types.ts";
import type { SeededRandom } from "../../../src/util/random.ts";
import type { EntryOptions } from "./caches.ts";

/** An entry of a story: units, and how they are written. */
export interface Chapter {
  readonly units: readonly KvUnit[];
  readonly options: Required<Pick<EntryOptions, "clockMs" | "maxBytes">>;
}

const CACHES = ["a", "b", "c", "d"];

/** Draws what clients do: few keys and caches, so that everything meets everything. */
export class Storyteller {
  readonly #random: SeededRandom;
  readonly #keys: number;
  readonly #maxBytes: number;
  #clockMs = 1_000;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#keys = this.below(2) === 0 ? 8 : 400;
    this.#maxBytes = this.below(3) === 0 ? 3_000 : 1_000_000;
  }

  below(limit: number): number {
    return this.#random.uint32() % limit;
  }

  /** The next entry; `versions` are some that entries have. */
  chapter(versions: readonly number[]): Chapter {
    const steps = [0, 0, 1, 5, 40];
    this.#clockMs += steps[this.below(steps.length)]!;
    if (this.below(40) === 0) this.#clockMs -= 30;
    const count = this.below(5);
    return {
      units: Array.from({ length: count }, () => this.#unit(versions)),
      options: {
        clockMs: Math.max(this.#clockMs, 1),
        maxBytes: this.below(50) === 0 ? 1_000 : this.#maxBytes,
      },
    };
  }

  #unit(versions: readonly number[]): KvUnit {
    if (this.below(25) === 0) {
      return { checks: [], operations: [this.#whole()] };
    }
    const sizes = [1, 1, 1, 2, 5, this.#keys === 400 ? 60 : 3];
    const size = sizes[this.below(sizes.length)]!;
    const cache = this.#cache();
    const settings = this.#settings();
    return {
      ...this.below(8) === 0
        ? { creates: [{ kind: "create", cache, settings }] }
        : {},
      checks: this.below(5) > 0 ? [] : [this.#check(versions)],
      operations: Array.from({ length: size }, () => this.#keyed(versions)),
    };
  }

  #keyed(versions: readonly number[]): KvOperation {
    const keyed = { cache: this.#cache(), key: this.#key() };
    switch (this.below(12)) {
      case 0:
        return {
          ...keyed,
          kind: "delete",
          ...this.below(4) === 0 ? { ifVersion: this.#version(versions) } : {},
        };
      case 1:
        return { ...keyed, kind: "getRemove" };
      case 2: {
        const ttlMs = this.below(3) === 0 ? null : 1 + this.below(200);
        return { ...keyed, kind: "touch", ttlMs };
      }
      case 3:
      case 4:
        return {
          ...keyed,
          kind: "add",
          delta: this.#number(),
          ...this.below(4) === 0 ? { initial: this.#number() } : {},
          ...this.below(3) === 0 ? { ttlMsIfNew: 1 + this.below(100) } : {},
        };
      case 5:
        return this.below(2) === 0
          ? { ...keyed, kind: "setCounter", value: this.#number() }
          : { ...keyed, kind: "deleteCounter" };
      default:
        return {
          ...keyed,
          kind: this.below(4) === 0 ? "replace" : "put",
          value: this.#value(),
          ...this.#lifetime(),
          ...this.#condition(versions),
        };
    }
  }

  #lifetime(): { ttlMs?: number | null; keepTtl?: boolean } {
    switch (this.below(6)) {
      case 0:
      case 1:
        return { ttlMs: 1 + this.below(100) };
      case 2:
        return { ttlMs: null };
      case 3:
        return { keepTtl: true };
      default:
        return {};
    }
  }

  #condition(
    versions: readonly number[],
  ): { ifVersion?: number; ifPresent?: boolean } {
    switch (this.below(20)) {
      case 0:
        return { ifPresent: true };
      case 1:
        return { ifVersion: this.#version(versions) };
      default:
        return {};
    }
  }

  #whole(): KvOperation {
    const cache = this.#cache();
    switch (this.below(6)) {
      case 0:
        return { kind: "clear", cache };
      case 1:
        return { kind: "clearCounters", cache };
      case 2:
        return { kind: "drop", cache };
      default:
        return { kind: "create", cache, settings: this.#settings() };
    }
  }

  #settings(): CacheSettings {
    return {
      maxBytes: this.below(2) === 0 ? 0 : 200 + this.below(1_500),
      maxEntries: this.below(2) === 0 ? 0 : 1 + this.below(12),
      onFull: this.below(3) === 0 ? "reject" : "evict",
      ttlMs: this.below(2) === 0 ? 0 : 1 + this.below(100),
    };
  }

  #check(versions: readonly number[]): KvCheck {
    const keyed = { cache: this.#cache(), key: this.#key() };
    return this.below(3) === 0
      ? { ...keyed, value: this.#value() }
      : { ...keyed, version: this.#version(versions) };
  }

  #version(versions: readonly number[]): number {
    return this.below(2) === 0 || versions.length === 0
      ? 0
      : versions[this.below(versions.length)]!;
  }

  #cache(): string {
    return CACHES[this.below(CACHES.length)]!;
  }

  #key(): string {
    return `k${this.below(this.#keys)}`;
  }

  #number(): bigint {
    const numbers = [1n, -1n, 1000n, 2n ** 62n, -(2n ** 62n), 2n ** 63n - 1n];
    return numbers[this.below(numbers.length)]!;
  }

  #value(): KvValue {
    const sizes = [0, 1, 1, 10, 100, 700];
    const bytes = new Uint8Array(sizes[this.below(sizes.length)]!);
    bytes.fill(this.below(3));
    const kind = (["bytes", "text", "json"] as const)[this.below(3)]!;
    return { kind, bytes };
  }
}
