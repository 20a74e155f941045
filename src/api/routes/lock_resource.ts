import { LOCK_LIMITS } from "../../state/locks/types.ts";
import { INTEGER, object } from "../json_schema.ts";
import { WISH_PROPERTIES } from "../lock_json.ts";
import type { ResourceRoute } from "../route.ts";

const LOCK = "/api/v1/lock/{lock}";
const TOKEN = object({ token: INTEGER }, ["token"]);

/** What stands in the braces of a path. */
export const LOCK_PATH_PARTS = {
  lock:
    `The name of a lock, percent-encoded: 1 to ${LOCK_LIMITS.nameBytes} bytes of UTF-8, but not "." or "..".`,
} as const;

/** The paths of locks, for people and scripts. */
export const LOCK_RESOURCES = {
  GET_LOCK: {
    method: "GET",
    path: LOCK,
    scope: "read",
    summary: "Who holds a lock.",
    query: {
      consistency: "`local` (default) or `linearizable`.",
      min_index: "Wait until this index is applied.",
      unlike: "Wait until the lock has a holder with another token; 0: any.",
      wait_ms: "How long to wait for that, 0 to 60,000 ms.",
      timeout_ms:
        "How long reading may take beside that, ms, at most and by default `query_timeout_ms`.",
    },
    headers: {},
    keyed: false,
    statuses: { 200: "Its holders, `{locks, index}`; none if it is free." },
  },
  ACQUIRE_LOCK: {
    method: "POST",
    path: LOCK,
    scope: "write",
    summary:
      "Get a lock, waiting `wait_ms` for it. Without a `lease` it has one of its own, which PUT renews. A dropped request gives its place in the queue back.",
    query: {},
    headers: {},
    keyed: true,
    body: { "application/json": { schema: object(WISH_PROPERTIES) } },
    statuses: {
      200: "`{token, lease, expires_in_ms, index}`.",
      409: "Others have it (`lock_held`), or the lease is over (`lock_lost`).",
    },
  },
  RENEW_LOCK: {
    method: "PUT",
    path: LOCK,
    scope: "write",
    summary: "Let the lease of a lock begin anew.",
    query: {},
    headers: {},
    keyed: false,
    body: { "application/json": { schema: TOKEN } },
    statuses: {
      200: "`{expires_in_ms, index}`.",
      409: "It is not held under this token any more (`lock_lost`).",
    },
  },
  RELEASE_LOCK: {
    method: "DELETE",
    path: LOCK,
    scope: "write",
    summary: "Give a lock back.",
    query: { token: "What its grant said." },
    headers: {},
    keyed: false,
    statuses: { 200: "`{released, index}`: whether it was held still." },
  },
} as const satisfies Readonly<Record<string, ResourceRoute>>;
