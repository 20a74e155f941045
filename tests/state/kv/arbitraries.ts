import fc from "fast-check";
import type {
  CacheSettings,
  KvAnswer,
  KvCheck,
  KvOperation,
  KvResult,
  KvUnit,
  KvValue,
  OperationOf,
} from "../../../src/state/kv/types.ts";

/** Like `fc.record`, with ordinary objects. */
function record<T>(
  model: { [K in keyof T]-?: fc.Arbitrary<Exclude<T[K], undefined>> },
  optional: readonly (keyof T)[] = [],
): fc.Arbitrary<T> {
  const requiredKeys = Object.keys(model)
    .filter((key) => !optional.includes(key as keyof T));
  return fc.record(model, {
    requiredKeys,
    noNullPrototype: true,
  } as never) as unknown as fc.Arbitrary<T>;
}

const KEY_CHARACTERS = ["\0", "a", "7", "\x7f", "\x80", "\xff"];
const cache = fc.constantFrom("a", "sessions", "A_b.c-9", "x".repeat(64));
export const key = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.array(fc.constantFrom(...KEY_CHARACTERS), {
      minLength: 1,
      maxLength: 80,
    }).map((c) => c.join("")),
  },
  fc.constantFrom("\xff".repeat(1024), "k".repeat(1024)),
);
export const value: fc.Arbitrary<KvValue> = record({
  kind: fc.constantFrom("bytes", "text", "json"),
  bytes: fc.uint8Array({ maxLength: 200 }),
});
const natural = fc.oneof(fc.nat(300), fc.maxSafeNat());
const version = natural;
const int64 = fc.oneof(
  fc.bigInt({ min: -300n, max: 300n }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(
    2n ** 53n,
    -(2n ** 53n),
    2n ** 53n - 1n,
    2n ** 63n - 1n,
    -(2n ** 63n),
  ),
);
const ttlMs = fc.oneof(
  fc.integer({ min: 1, max: 1000 }),
  fc.constant(3_153_600_000_000),
);
export const settings: fc.Arbitrary<CacheSettings> = record<CacheSettings>({
  maxBytes: natural,
  maxEntries: natural,
  onFull: fc.constantFrom("reject", "evict"),
  ttlMs: fc.oneof(fc.constant(0), ttlMs),
});

const constant = <const T>(value: T): fc.Arbitrary<T> => fc.constant(value);
const keyed = { cache, key };

const put = fc.constantFrom("put" as const, "replace" as const).chain((kind) =>
  fc.oneof(
    record({
      kind: constant(kind),
      ...keyed,
      value,
      ttlMs: fc.oneof(fc.constant(null), ttlMs),
      ifVersion: version.filter((v) => v > 0),
      ifPresent: constant(true),
    }, ["ttlMs", "ifVersion", "ifPresent"]),
    record({
      kind: constant(kind),
      ...keyed,
      value,
      keepTtl: constant(true),
      ifVersion: constant(0),
    }, ["ifVersion"]),
  )
);
const keyedOperation = fc.oneof(
  { weight: 3, arbitrary: put },
  record({ kind: constant("delete"), ...keyed, ifVersion: version }, [
    "ifVersion",
  ]),
  record({ kind: constant("getRemove"), ...keyed }),
  record({
    kind: constant("touch"),
    ...keyed,
    ttlMs: fc.oneof(fc.constant(null), ttlMs),
  }),
  record({
    kind: constant("add"),
    ...keyed,
    delta: int64,
    initial: int64.filter((n) => n !== 0n),
    ttlMsIfNew: ttlMs,
  }, ["initial", "ttlMsIfNew"]),
  record({ kind: constant("setCounter"), ...keyed, value: int64 }),
  record({ kind: constant("deleteCounter"), ...keyed }),
) as fc.Arbitrary<KvOperation>;
const create = record<OperationOf<"create">>({
  kind: constant("create"),
  cache,
  settings,
});
const wholeOperation = fc.oneof(
  create,
  record({ kind: fc.constantFrom("clear", "clearCounters", "drop"), cache }),
) as fc.Arbitrary<KvOperation>;
const check: fc.Arbitrary<KvCheck> = fc.oneof(
  record({ ...keyed, version }),
  record({ ...keyed, value }),
);

type Plain = Omit<KvUnit, "creates">;
/** Units that can be proposed. */
export const unit: fc.Arbitrary<KvUnit> = fc.oneof(
  record<KvUnit>({
    creates: fc.array(create, { minLength: 1, maxLength: 2 }),
    checks: fc.array(check, { maxLength: 4 }),
    operations: fc.array(keyedOperation, { minLength: 1, maxLength: 6 }),
  }, ["creates"]),
  record<Plain>({
    checks: fc.array(check, { maxLength: 2 }),
    operations: wholeOperation.map((operation) => [operation]),
  }),
  record<Plain>({
    checks: fc.array(check, { minLength: 1, maxLength: 4 }),
    operations: fc.constant([]),
  }),
);

const result: fc.Arbitrary<KvResult> = record<KvResult>({
  version,
  found: fc.boolean(),
  previous: fc.option(value),
  counter: int64,
});
export const answer: fc.Arbitrary<KvAnswer> = fc.oneof(
  record({
    kind: constant("done"),
    results: fc.array(result, { maxLength: 5 }),
  }),
  record({ kind: constant("conflict"), at: fc.nat(1000), version }),
  record({
    kind: constant("refused"),
    code: fc.constantFrom("cache_full", "conflict", "invalid"),
    message: fc.string({ unit: "grapheme" }),
  }),
) as fc.Arbitrary<KvAnswer>;
