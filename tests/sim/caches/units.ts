import {
  type CacheSettings,
  DEFAULT_SETTINGS,
  type KvOperation,
  type KvUnit,
  type KvValue,
  type PutFields,
} from "../../../src/state/kv/types.ts";
import type { Operation } from "../command.ts";
import { Draw } from "../draw.ts";

/** What holds the keys that clients ask for. */
export const MAIN = "main";
/** Bytes of all caches together when a pack says that there is little room. */
const LITTLE_ROOM = 6_000;
/** Puts of one unit that are due at once: more than an entry removes. */
const BURST = 300;
const KEYS = ["a", "b", "c", "d", "e", "f", "g", "h"];

/** Caches beside the main one, each with what it is created with now and then. */
const OTHERS: Readonly<Record<string, CacheSettings>> = {
  left: DEFAULT_SETTINGS,
  right: DEFAULT_SETTINGS,
  fleeting: { ...DEFAULT_SETTINGS, ttlMs: 300 },
  evicting: {
    maxBytes: 900,
    maxEntries: 6,
    onFull: "evict",
    ttlMs: 0,
  },
  tight: { maxBytes: 700, maxEntries: 5, onFull: "reject", ttlMs: 0 },
  burst: DEFAULT_SETTINGS,
};
const NAMES = Object.keys(OTHERS);

/** Text as a value. */
export function textValue(text: string): KvValue {
  return { kind: "text", bytes: new TextEncoder().encode(text) };
}

/** The key in the cache {@linkcode MAIN} that stands for a client's. */
export function mainKey(key: number): string {
  return `k${key}`;
}

/** What a client's operation is there. Even keys are registers, odd ones counters and slots that are filled and emptied. */
export function mainUnit(operation: Operation): KvUnit {
  const at = { cache: MAIN, key: mainKey(operation.key) };
  const nothing: KvUnit = { checks: [{ ...at, version: 0 }], operations: [] };
  switch (operation.kind) {
    case "poison":
      return nothing;
    case "read":
      return isCounter(operation.key)
        ? { checks: [], operations: [{ kind: "add", ...at, delta: 0n }] }
        : nothing;
    case "put": {
      const value = textValue(String(operation.value));
      const ttl = livesFor(operation.value);
      return {
        checks: [],
        operations: [{ kind: "replace", ...at, value, ...ttl }],
      };
    }
    case "cas":
      return {
        checks: [{ ...at, value: textValue(String(operation.expected)) }],
        operations: [{
          kind: "put",
          ...at,
          value: textValue(String(operation.value)),
          ...(operation.value % 2 === 0 ? {} : { keepTtl: true }),
        }],
      };
    case "append": {
      const { key, value } = operation;
      if (isCounter(key)) {
        const delta = BigInt(value);
        return { checks: [], operations: [{ kind: "add", ...at, delta }] };
      }
      if (value % 2 === 0) {
        return { checks: [], operations: [{ kind: "getRemove", ...at }] };
      }
      const put: KvOperation = {
        kind: "put",
        ...at,
        value: textValue(String(value)),
        ifVersion: 0,
        ...livesFor(value),
      };
      return { checks: [], operations: [put] };
    }
  }
}

/** Whether a client's key is a counter. */
export function isCounter(key: number): boolean {
  return key % 4 === 1;
}

/** Whether what is put with this value goes by itself. */
export function isFleeting(value: number): boolean {
  return value % 3 === 0;
}

function livesFor(value: number): { readonly ttlMs?: number } {
  return isFleeting(value) ? { ttlMs: 1 + value * 37 % 2000 } : {};
}

/** Other units that share an entry with an operation, and the room that all caches have then. */
export interface Company {
  readonly units: readonly KvUnit[];
  /** Undefined for the usual one. */
  readonly maxBytes: number | undefined;
}

/** The company of an attempt: as the seed says, and the number of the attempt. */
export function companyOf(
  seed: number,
  attempt: number,
  padding: number,
): Company {
  const draw = new Draw(seed, `company ${attempt}`);
  const units: KvUnit[] = [];
  for (let left = draw.pick([0, 1, 1, 2, 5]); left > 0; left--) {
    units.push(drawUnit(draw, attempt));
  }
  if (padding > 0) {
    const value: KvValue = { kind: "bytes", bytes: new Uint8Array(padding) };
    const key = draw.pick(KEYS);
    units.push(
      single({ kind: "put", cache: "padding", key, value, ttlMs: 400 }),
    );
  }
  return {
    units: draw.shuffled(units),
    maxBytes: draw.chance(0.1) ? LITTLE_ROOM : undefined,
  };
}

function single(operation: KvOperation): KvUnit {
  return { checks: [], operations: [operation] };
}

function drawUnit(draw: Draw, attempt: number): KvUnit {
  if (draw.chance(0.015)) return burst(draw, attempt);
  if (draw.chance(0.15)) {
    const cache = draw.pick(NAMES);
    return single({ kind: "create", cache, settings: OTHERS[cache]! });
  }
  if (draw.chance(0.04)) {
    const kind = draw.pick(["clear", "clearCounters", "drop"] as const);
    return single({ kind, cache: draw.pick(NAMES) });
  }
  if (draw.chance(0.25)) return pair(draw, attempt);
  const unit = drawOperations(draw);
  return draw.chance(0.25) ? { creates: drawCreates(draw), ...unit } : unit;
}

/** Caches that a unit finds or creates, now and then with settings that are not theirs. */
function drawCreates(draw: Draw): NonNullable<KvUnit["creates"]> {
  return Array.from({ length: draw.pick([1, 1, 2]) }, () => {
    const cache = draw.pick(NAMES);
    const like = draw.chance(0.15) ? draw.pick(NAMES) : cache;
    return { kind: "create", cache, settings: OTHERS[like]! };
  });
}

function drawOperations(draw: Draw): KvUnit {
  const cache = draw.pick(NAMES);
  const operations = Array.from(
    { length: draw.pick([1, 1, 2, 4]) },
    () => drawOperation(draw, draw.chance(0.8) ? cache : draw.pick(NAMES)),
  );
  const checks = draw.chance(0.2)
    ? [{ cache, key: draw.pick(KEYS), version: 0 }]
    : [];
  return { checks, operations };
}

/** The same in two caches, and a count of it; now and then a condition that does not hold comes last. */
function pair(draw: Draw, attempt: number): KvUnit {
  const key = draw.pick(KEYS);
  const value = textValue(String(attempt));
  const operations: KvOperation[] = [
    { kind: "put", cache: "left", key, value },
    { kind: "put", cache: "right", key, value },
    { kind: "add", cache: "left", key, delta: 1n },
  ];
  if (draw.chance(0.2)) {
    operations.push({ kind: "delete", cache: "right", key, ifVersion: 1 });
  }
  return { checks: [], operations };
}

function burst(draw: Draw, attempt: number): KvUnit {
  const ttlMs = draw.int(1, 100);
  const value = textValue(String(attempt));
  const operations = Array.from(
    { length: BURST },
    (_, i): KvOperation =>
      i % 7 === 0
        ? { kind: "add", cache: "burst", key: `${i}`, delta: 1n, ttlMsIfNew: 9 }
        : { kind: "put", cache: "burst", key: `${i}`, value, ttlMs },
  );
  return { checks: [], operations };
}

function drawOperation(draw: Draw, cache: string): KvOperation {
  const at = { cache, key: draw.pick(KEYS) };
  switch (draw.int(0, 11)) {
    case 0:
      return { kind: "delete", ...at };
    case 1:
      return { kind: "getRemove", ...at };
    case 2: {
      const ttlMs = draw.chance(0.3) ? null : draw.int(1, 1500);
      return { kind: "touch", ...at, ttlMs };
    }
    case 3:
      return { kind: "setCounter", ...at, value: wide(draw) };
    case 4:
      return { kind: "deleteCounter", ...at };
    case 5:
    case 6:
      return {
        kind: "add",
        ...at,
        delta: wide(draw),
        ...(draw.chance(0.3) ? { initial: 40n } : {}),
        ...(draw.chance(0.4) ? { ttlMsIfNew: draw.int(1, 800) } : {}),
      };
    default:
      return {
        kind: draw.chance(0.3) ? "replace" : "put",
        ...putFields(draw, at),
      };
  }
}

function putFields(
  draw: Draw,
  at: { readonly cache: string; readonly key: string },
): PutFields {
  const kind = draw.pick(["bytes", "text", "json"] as const);
  const bytes = new TextEncoder().encode("7".repeat(draw.int(0, 200)));
  const lives = draw.pick([
    {},
    {},
    { ttlMs: null },
    { ttlMs: draw.int(1, 1500) },
    { ttlMs: draw.int(1, 30) },
    { keepTtl: true },
  ]);
  const condition = draw.pick([
    {},
    {},
    {},
    { ifPresent: true },
    { ifVersion: 0 },
    { ifVersion: 65_537 },
  ]);
  return { ...at, value: { kind, bytes }, ...lives, ...condition };
}

/** Small numbers, and some that bring a counter to its end. */
function wide(draw: Draw): bigint {
  const near = BigInt(draw.int(-5, 5));
  return draw.pick([near, near, 2n ** 62n + near, -(2n ** 62n) + near]);
}
