import { NO_RESULT } from "./answer.ts";
import type { Draft } from "./draft.ts";
import { CACHES_MAX } from "./limits.ts";
import type { LiveCache } from "./live_cache.ts";
import { INT64_MAX, INT64_MIN } from "../../util/int64.ts";
import { describeSettings, sameSettings } from "./settings.ts";
import type { StoredEntry } from "./store.ts";
import type {
  KvAnswer,
  KvOperation,
  KvResult,
  KvValue,
  OperationOf,
  PutFields,
} from "./types.ts";

/** Why an operation cannot be done, and nothing of its unit is. */
export type KvFailure =
  /** A condition does not hold; the entry has this version. */
  | { readonly kind: "conflict"; readonly version: number }
  | Extract<KvAnswer, { kind: "refused" }>;

/** What became of an operation. */
export type KvOutcome = KvResult | KvFailure;

type Whole = OperationOf<"clear" | "clearCounters" | "drop">;

/** Does an operation in the draft of its unit; an entry that it writes gets `version`. */
export function perform(
  operation: KvOperation,
  draft: Draft,
  version: number,
): KvOutcome {
  switch (operation.kind) {
    case "put":
      return put(operation, draft, version, false);
    case "replace":
      return put(operation, draft, version, true);
    case "delete":
    case "getRemove":
      return remove(operation, draft);
    case "touch":
      return touch(operation, draft);
    case "add":
      return add(operation, draft);
    case "setCounter":
      return setCounter(operation, draft);
    case "deleteCounter":
      return deleteCounter(operation, draft);
    case "create":
      return create(operation, draft);
    case "clear":
    case "clearCounters":
    case "drop":
      return whole(operation, draft);
  }
}

/** Whether an operation failed. */
export function failed(outcome: KvOutcome): outcome is KvFailure {
  return "kind" in outcome;
}

function put(
  fields: PutFields,
  draft: Draft,
  version: number,
  tells: boolean,
): KvOutcome {
  const { key, value, ifVersion, ifPresent } = fields;
  const known = draft.cache(fields.cache);
  const old = draft.entry(known, key);
  const present = old === null ? 0 : old.version;
  const allowed = (ifVersion === undefined || ifVersion === present) &&
    (ifPresent !== true || old !== null);
  if (!allowed) return { kind: "conflict", version: present };
  const cache = known ?? draft.create(fields.cache);
  if (cache === null) return tooManyCaches(fields.cache);
  const previous = tells ? copyOf(old) : null;
  draft.setEntry(cache, key, {
    kind: value.kind,
    bytes: value.bytes,
    version,
    deadlineMs: deadlineOf(fields, cache, old, draft.nowMs),
  });
  return { version, found: false, previous, counter: 0n };
}

/** The entry that is there does not outlive what is written: only with `keepTtl` its deadline stays. */
function deadlineOf(
  { ttlMs, keepTtl }: PutFields,
  { settings }: LiveCache,
  old: StoredEntry | null,
  nowMs: number,
): number {
  if (keepTtl === true && old !== null) return old.deadlineMs;
  const lives = ttlMs === undefined ? settings.ttlMs : ttlMs ?? 0;
  return lives === 0 ? 0 : nowMs + lives;
}

function remove(
  operation: OperationOf<"delete"> | OperationOf<"getRemove">,
  draft: Draft,
): KvOutcome {
  const { key } = operation;
  const cache = draft.cache(operation.cache);
  const old = draft.entry(cache, key);
  if (operation.kind === "delete" && operation.ifVersion !== undefined) {
    const version = old === null ? 0 : old.version;
    if (version !== operation.ifVersion) return { kind: "conflict", version };
  }
  if (old === null) return NO_RESULT;
  const previous = operation.kind === "getRemove" ? copyOf(old) : null;
  draft.setEntry(cache!, key, null);
  return { version: 0, found: true, previous, counter: 0n };
}

function touch(
  { cache: name, key, ttlMs }: OperationOf<"touch">,
  draft: Draft,
): KvOutcome {
  const cache = draft.cache(name);
  const old = draft.entry(cache, key);
  if (old === null) return NO_RESULT;
  const deadlineMs = ttlMs === null ? 0 : draft.nowMs + ttlMs;
  draft.setEntry(cache!, key, { ...old, deadlineMs });
  return { ...NO_RESULT, found: true };
}

function add(operation: OperationOf<"add">, draft: Draft): KvOutcome {
  const { key, delta, initial = 0n, ttlMsIfNew = null } = operation;
  const cache = draft.cache(operation.cache) ?? draft.create(operation.cache);
  if (cache === null) return tooManyCaches(operation.cache);
  const old = draft.counter(cache, key);
  const value = saturated((old?.value ?? initial) + delta);
  const deadlineMs = old?.deadlineMs ??
    (ttlMsIfNew === null ? 0 : draft.nowMs + ttlMsIfNew);
  draft.setCounter(cache, key, { value, deadlineMs });
  return { ...NO_RESULT, counter: value };
}

/** A counter keeps its deadline, however it is written. */
function setCounter(
  operation: OperationOf<"setCounter">,
  draft: Draft,
): KvOutcome {
  const { key, value } = operation;
  const cache = draft.cache(operation.cache) ?? draft.create(operation.cache);
  if (cache === null) return tooManyCaches(operation.cache);
  const deadlineMs = draft.counter(cache, key)?.deadlineMs ?? 0;
  draft.setCounter(cache, key, { value, deadlineMs });
  return { ...NO_RESULT, counter: value };
}

function deleteCounter(
  { cache: name, key }: OperationOf<"deleteCounter">,
  draft: Draft,
): KvOutcome {
  const cache = draft.cache(name);
  if (cache === undefined || draft.counter(cache, key) === null) {
    return NO_RESULT;
  }
  draft.setCounter(cache, key, null);
  return { ...NO_RESULT, found: true };
}

function create(
  { cache: name, settings }: OperationOf<"create">,
  draft: Draft,
): KvOutcome {
  const cache = draft.cache(name);
  if (cache === undefined) {
    return draft.create(name, settings) === null
      ? tooManyCaches(name)
      : NO_RESULT;
  }
  if (sameSettings(cache.settings, settings)) return NO_RESULT;
  return {
    kind: "refused",
    code: "conflict",
    message: `The cache ${name} is there with other settings: ${
      describeSettings(cache.settings)
    }; drop it first`,
  };
}

function whole(
  { kind, cache: name }: Whole,
  draft: Draft,
): KvOutcome {
  const cache = draft.cache(name);
  if (cache === undefined) return NO_RESULT;
  draft.whole(kind, cache);
  return { ...NO_RESULT, found: true };
}

/** What is stored changes soon: an answer needs bytes of its own. */
function copyOf(entry: StoredEntry | null): KvValue | null {
  return entry === null
    ? null
    : { kind: entry.kind, bytes: entry.bytes.slice() };
}

function saturated(value: bigint): bigint {
  if (value > INT64_MAX) return INT64_MAX;
  return value < INT64_MIN ? INT64_MIN : value;
}

function tooManyCaches(name: string): KvFailure {
  return {
    kind: "refused",
    code: "cache_full",
    message:
      `There are ${CACHES_MAX} caches, the most there may be: drop one before ${name} is created`,
  };
}
