import { ALL_PERMITS, LOCK_TTL_MS } from "../state/locks/types.ts";
import type {
  LockAnswer,
  LockFence,
  LockOperation,
  LockWish,
} from "../state/locks/types.ts";
import type { LockState } from "../node/lock_port.ts";
import { type Fields, fieldsOf, integerField, textField } from "./fields.ts";
import { invalid } from "./json.ts";
import {
  BOOLEAN,
  INTEGER,
  type NamedSchemas,
  object,
  reference,
  TEXT,
} from "./json_schema.ts";

const U32_MAX = 2 ** 32 - 1;

/** Schemas of leases and locks. */
export const LOCK_SCHEMAS: NamedSchemas = {
  Fence: {
    description:
      "The write happens only if this lock is held under this token when it is applied; else `fenced`.",
    ...object({ name: TEXT, token: INTEGER }, ["name", "token"]),
  },
  LockGrant: object({
    token: INTEGER,
    lease: INTEGER,
    expires_in_ms: INTEGER,
    index: reference("Index"),
    unclaimed: {
      description:
        "The grant has to be claimed (`claim` of `locks/change`) under this ticket, by an entry before this time of the cluster clock. Only if `claim_later` was given.",
      ...object({ ticket: INTEGER, claim_by_ms: INTEGER }),
    },
  }, ["token", "lease", "expires_in_ms", "index"]),
  LockState: object({
    name: TEXT,
    token: INTEGER,
    owner: TEXT,
    value: TEXT,
    permits: INTEGER,
    limit: INTEGER,
    claimed: BOOLEAN,
    remaining_ms: INTEGER,
    waiting: INTEGER,
    lease: INTEGER,
  }),
};

/** What a wish may say beside its name. */
export const WISH_PROPERTIES: NamedSchemas = {
  ttl_ms: { type: "integer", default: LOCK_TTL_MS },
  owner: TEXT,
  lease: {
    type: "integer",
    description: "A lease that was opened before, instead of ttl_ms and owner.",
  },
  wait_ms: { type: "integer", default: 0 },
  shared: { type: "boolean", default: false },
  permits: INTEGER,
  limit: INTEGER,
  value: TEXT,
};

/** A fence of a request; nothing if it has none. @throws {HiqliteError} `invalid` */
export function fenceField(
  fields: Fields,
): { readonly fence?: LockFence } {
  const json = fields.get("fence");
  if (json === undefined) return {};
  const fence = fieldsOf(json, ["name", "token"], "fence");
  return {
    fence: {
      name: textField(fence, "name", "fence.name"),
      token: required(fence, "token", "fence.token"),
    },
  };
}

/** The JSON of a wish. */
export function wishToJson(wish: LockWish): object {
  const { name, lease, permits, limit, waitMs, value } = wish;
  return {
    name,
    ...("id" in lease
      ? { lease: lease.id }
      : { ttl_ms: lease.ttlMs, owner: lease.owner }),
    ...(limit === ALL_PERMITS
      ? { shared: permits !== ALL_PERMITS }
      : { permits, limit }),
    wait_ms: waitMs,
    value,
  };
}

/** The wish of a request for this lock. @throws {HiqliteError} `invalid` */
export function wishFromFields(fields: Fields, name: string): LockWish {
  const lease = indexField(fields, "lease");
  const limit = integerField(fields, "limit", 1, U32_MAX);
  const permits = integerField(fields, "permits", 1, U32_MAX);
  const shared = fields.get("shared") ?? false;
  if (typeof shared !== "boolean") {
    throw invalid("shared", "expected true or false");
  }
  if (limit !== undefined && shared) {
    throw invalid("shared", "means nothing beside a limit");
  }
  if (limit === undefined && permits !== undefined) {
    throw invalid("permits", "means nothing without a limit");
  }
  if (lease !== undefined) {
    for (const field of ["ttl_ms", "owner"]) {
      if (fields.has(field)) {
        throw invalid(field, "means nothing beside a lease");
      }
    }
  }
  const text = (field: string): string =>
    fields.has(field) ? textField(fields, field) : "";
  return {
    name,
    lease: lease === undefined
      ? {
        ttlMs: integerField(fields, "ttl_ms", 1, U32_MAX) ?? LOCK_TTL_MS,
        owner: text("owner"),
      }
      : { id: lease },
    permits: limit === undefined ? (shared ? 1 : ALL_PERMITS) : permits ?? 1,
    limit: limit ?? ALL_PERMITS,
    waitMs: integerField(fields, "wait_ms", 0, U32_MAX) ?? 0,
    value: text("value"),
  };
}

/** An operation that waits for nothing. */
type LockChange = Exclude<LockOperation, { readonly kind: "acquire" }>;

/** The JSON of a change of leases and locks. */
export function lockChangeToJson(operation: LockChange): object {
  const { kind, ...rest } = operation;
  if (!("ttlMs" in rest)) return { op: kind, ...rest };
  const { ttlMs, owner } = rest;
  return { op: kind, ttl_ms: ttlMs, owner };
}

/** A change of leases and locks from a request. @throws {HiqliteError} `invalid` */
export function lockChangeFromFields(fields: Fields): LockChange {
  const kind = textField(fields, "op");
  switch (kind) {
    case "open":
      return {
        kind,
        ttlMs: required(fields, "ttl_ms"),
        owner: textField(fields, "owner"),
      };
    case "renew":
    case "end":
      return { kind, lease: required(fields, "lease") };
    case "release":
    case "extend":
      return {
        kind,
        name: textField(fields, "name"),
        token: required(fields, "token"),
      };
    case "claim":
    case "cancel":
      return {
        kind,
        name: textField(fields, "name"),
        ticket: required(fields, "ticket"),
      };
    default:
      throw invalid(
        "op",
        "expected open, renew, end, release, extend, claim or cancel",
      );
  }
}

/** The JSON of what a change did. */
export function lockAnswerToJson(answer: LockAnswer): object {
  const { kind, ...rest } = answer;
  if (!("ttlMs" in rest)) return { did: kind, ...rest };
  const { ttlMs, ...others } = rest;
  if (!("clockMs" in others)) return { did: kind, ...others, ttl_ms: ttlMs };
  const { clockMs, lease } = others;
  return { did: kind, lease, ttl_ms: ttlMs, clock_ms: clockMs };
}

/** What a change did, from JSON. */
export function lockAnswerFromJson(json: object): LockAnswer {
  const { did, ttl_ms, clock_ms, ...rest } = json as Record<string, unknown>;
  return {
    kind: did,
    ...rest,
    ...(ttl_ms === undefined ? {} : { ttlMs: ttl_ms }),
    ...(clock_ms === undefined ? {} : { clockMs: clock_ms }),
  } as unknown as LockAnswer;
}

/** The JSON of a holder. */
export function lockStateToJson(state: LockState): object {
  const { remainingMs, ...rest } = state;
  return { ...rest, remaining_ms: remainingMs };
}

/** A holder from JSON. */
export function lockStateFromJson(json: object): LockState {
  const { remaining_ms: remainingMs, ...rest } = json as
    & Omit<LockState, "remainingMs">
    & { readonly remaining_ms: number };
  return { ...rest, remainingMs };
}

/** An index, a lease or a token; undefined if it is not there. */
export function indexField(
  fields: Fields,
  name: string,
  path = name,
): number | undefined {
  return integerField(fields, name, 0, Number.MAX_SAFE_INTEGER, path);
}

function required(fields: Fields, name: string, path = name): number {
  const value = indexField(fields, name, path);
  if (value !== undefined) return value;
  throw invalid(path, "is missing, expected an integer");
}
