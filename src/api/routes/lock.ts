import type {
  LockAcquireRequest,
  LockChangeAnswer,
  LockChangeRequest,
  LockGrant,
  LockListAnswer,
  LockListRequest,
} from "../../node/lock_port.ts";
import {
  consistencyField,
  fieldsOf,
  integerField,
  textField,
  timeoutField,
} from "../fields.ts";
import { invalid } from "../json.ts";
import { arrayOf, INTEGER, object, reference, TEXT } from "../json_schema.ts";
import {
  indexField,
  lockAnswerFromJson,
  lockAnswerToJson,
  lockChangeFromFields,
  lockChangeToJson,
  lockStateFromJson,
  lockStateToJson,
  WISH_PROPERTIES,
  wishFromFields,
  wishToJson,
} from "../lock_json.ts";
import type { MemberRoute, ReplyCodec } from "../route.ts";

/** How a grant is written. */
export const LOCK_GRANT_REPLY: ReplyCodec<LockGrant> = {
  format: "json",
  statuses: { 200: "Granted." },
  schema: reference("LockGrant"),
  encode: ({ ttlMs, unclaimed, ...rest }) => ({
    ...rest,
    expires_in_ms: ttlMs,
    ...(unclaimed === undefined ? {} : {
      unclaimed: {
        ticket: unclaimed.ticket,
        claim_by_ms: unclaimed.claimByMs,
      },
    }),
  }),
  decode: (body) => {
    const { expires_in_ms: ttlMs, unclaimed, ...rest } = body as
      & Omit<LockGrant, "ttlMs" | "unclaimed">
      & {
        readonly expires_in_ms: number;
        readonly unclaimed?: {
          readonly ticket: number;
          readonly claim_by_ms: number;
        };
      };
    if (unclaimed === undefined) return { ...rest, ttlMs };
    const { ticket, claim_by_ms: claimByMs } = unclaimed;
    return { ...rest, ttlMs, unclaimed: { ticket, claimByMs } };
  },
};

/** How a list of holders is written. */
export const LOCK_LIST_REPLY: ReplyCodec<LockListAnswer> = {
  format: "json",
  statuses: { 200: "Done." },
  schema: object({
    locks: arrayOf(reference("LockState")),
    index: reference("Index"),
  }),
  encode: ({ locks, index }) => ({ locks: locks.map(lockStateToJson), index }),
  decode: (body) => {
    const { locks, index } = body as { locks: object[]; index: number };
    return { locks: locks.map(lockStateFromJson), index };
  },
};

/** `POST /api/v1/locks/acquire` */
export const LOCK_ACQUIRE: MemberRoute<LockAcquireRequest, LockGrant> = {
  method: "POST",
  path: "/api/v1/locks/acquire",
  summary:
    "Ask for a lock and wait for it. A request that is dropped gives its place back; one that is repeated with its key has it still.",
  scope: "write",
  repeat: "keyed",
  request: {
    schema: object({
      name: TEXT,
      ...WISH_PROPERTIES,
      claim_later: {
        type: "boolean",
        default: false,
        description:
          "Whoever waited claims the grant itself, and knows how long it may believe in it until then.",
      },
      timeout_ms: INTEGER,
    }, ["name"]),
    encode: ({ wish, claimLater }, timeoutMs) => ({
      ...wishToJson(wish),
      claim_later: claimLater,
      timeout_ms: timeoutMs,
    }),
    decode: (json) => {
      const fields = fieldsOf(json, [
        "name",
        ...Object.keys(WISH_PROPERTIES),
        "claim_later",
        "timeout_ms",
      ]);
      const name = textField(fields, "name");
      const claimLater = fields.get("claim_later") ?? false;
      if (typeof claimLater !== "boolean") {
        throw invalid("claim_later", "expected true or false");
      }
      return {
        wish: wishFromFields(fields, name),
        claimLater,
        ...timeoutField(fields),
      };
    },
  },
  reply: LOCK_GRANT_REPLY,
  ask: (member, request) => member.locks.acquire(request),
};

const CHANGE_PROPERTIES = {
  op: {
    enum: ["open", "renew", "end", "release", "extend", "claim", "cancel"],
  },
  ttl_ms: INTEGER,
  owner: TEXT,
  lease: INTEGER,
  name: TEXT,
  token: INTEGER,
  ticket: INTEGER,
};

/** `POST /api/v1/locks/change` */
export const LOCK_CHANGE: MemberRoute<LockChangeRequest, LockChangeAnswer> = {
  method: "POST",
  path: "/api/v1/locks/change",
  summary:
    "Open, renew or end a lease, or give back a lock. Repeating it does no harm.",
  scope: "write",
  repeat: "safe",
  request: {
    schema: object({ ...CHANGE_PROPERTIES, timeout_ms: INTEGER }, ["op"]),
    encode: ({ operation }, timeoutMs) => ({
      ...lockChangeToJson(operation),
      timeout_ms: timeoutMs,
    }),
    decode: (json) => {
      const fields = fieldsOf(json, [
        ...Object.keys(CHANGE_PROPERTIES),
        "timeout_ms",
      ]);
      return {
        operation: lockChangeFromFields(fields),
        ...timeoutField(fields),
      };
    },
  },
  reply: {
    format: "json",
    statuses: { 200: "Done, or there was nothing to do." },
    schema: object({
      did: TEXT,
      lease: INTEGER,
      ttl_ms: INTEGER,
      clock_ms: INTEGER,
      found: { type: "boolean" },
      index: reference("Index"),
    }, ["did", "index"]),
    encode: ({ answer, index }) => ({ ...lockAnswerToJson(answer), index }),
    decode: (body) => {
      const { index, ...rest } = body as { readonly index: number };
      return { index, answer: lockAnswerFromJson(rest) };
    },
  },
  ask: (member, request) => member.locks.change(request),
};

/** `POST /api/v1/locks/list` */
export const LOCK_LIST: MemberRoute<LockListRequest, LockListAnswer> = {
  method: "POST",
  path: "/api/v1/locks/list",
  summary:
    "Who holds locks. With `unlike`, wait until the lock has another holder.",
  scope: "read",
  repeat: "safe",
  request: {
    schema: object({
      name: TEXT,
      consistency: { enum: ["local", "linearizable"], default: "local" },
      min_index: INTEGER,
      unlike: INTEGER,
      wait_ms: INTEGER,
      timeout_ms: INTEGER,
    }),
    encode: (
      { name, consistency, minIndex, unlike, waitMs, timeoutMs },
    ) => ({
      name,
      consistency,
      min_index: minIndex,
      unlike,
      wait_ms: waitMs,
      timeout_ms: timeoutMs,
    }),
    decode: (json) => {
      const fields = fieldsOf(json, [
        "name",
        "consistency",
        "min_index",
        "unlike",
        "wait_ms",
        "timeout_ms",
      ]);
      const minIndex = indexField(fields, "min_index");
      const unlike = indexField(fields, "unlike");
      const waitMs = integerField(fields, "wait_ms", 0, 60_000);
      return {
        ...(fields.has("name") ? { name: textField(fields, "name") } : {}),
        consistency: consistencyField(fields),
        ...(minIndex === undefined ? {} : { minIndex }),
        ...(unlike === undefined ? {} : { unlike }),
        ...(waitMs === undefined ? {} : { waitMs }),
        ...timeoutField(fields),
      };
    },
  },
  reply: LOCK_LIST_REPLY,
  ask: (member, request) => member.locks.list(request),
};

/** The routes of locks that speak JSON. */
export const LOCK_ROUTES = { LOCK_ACQUIRE, LOCK_CHANGE, LOCK_LIST };
