import { SCOPES } from "../api/route_scopes.ts";

/** A request of the matrix. */
export interface Sample {
  /** As in the list of scopes: `GET /api/v1/cache/{cache} read*`. */
  readonly line: string;
  readonly method: string;
  readonly path: string;
  /** JSON, or nothing. */
  readonly body: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a route of caches is asked beside the cache, which stands in it as CACHE. */
const CACHE_BODIES: Readonly<Record<string, unknown>> = {
  "POST /api/v1/cache/{cache}": { ops: [{ op: "delete", key: "k" }] },
  "PUT /api/v1/cache/{cache}": {},
  "POST /api/v1/cache/{cache}/{key}/add": { delta: 1 },
  "PUT /api/v1/cache/{cache}/{key}": "x",
  "POST /api/v1/caches/atomic": {
    ops: [{ op: "delete", cache: "CACHE", key: "k" }],
  },
  "POST /api/v1/caches/get": { cache: "CACHE", keys: ["k"] },
  "POST /api/v1/caches/counter": { cache: "CACHE", key: "k" },
  "POST /api/v1/caches/list": { cache: "CACHE" },
};

const QUERIES: Readonly<Record<string, string>> = {
  "GET /api/v1/live": "?sql=SELECT%201",
  "GET /api/v1/listen": "?topics=t",
  "DELETE /api/v1/lock/{lock}": "?token=1",
};

/** A request to every route. Those with a body are malformed where they would do harm: a caller is asked who it is before. */
export function samples(cache: string): Sample[] {
  return SCOPES.map((line) => {
    const route = line.slice(0, line.lastIndexOf(" "));
    const [method, pattern] = route.split(" ") as [string, string];
    const path = pattern.replace("{cache}", cache).replace("{key}", "k")
      .replace("{lock}", "l");
    const body = route in CACHE_BODIES
      ? CACHE_BODIES[route]
      : method === "POST" || method === "PUT"
      ? { nonsense: 1 }
      : undefined;
    return {
      line,
      method,
      path: path + (QUERIES[route] ?? ""),
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined
        ? undefined
        : JSON.stringify(body).replaceAll("CACHE", cache),
    };
  });
}

/** Who asks: what they may do, and for which cache alone. */
export type Role =
  | { readonly kind: "stranger" }
  | {
    readonly kind: "known";
    readonly scope: "read" | "write" | "admin";
    readonly cache: string | null;
  };

const RANKS = ["open", "read", "write", "admin"];

/** The status that a role must get of a sample for a cache; null: any but 401, 403 and 500. */
export function expected(
  role: Role,
  line: string,
  cache: string,
): number | null {
  const [, needed, ofCaches] = /(\w+)(\*?)$/.exec(line)!;
  if (needed === "open") return null;
  if (role.kind === "stranger") return 401;
  if (RANKS.indexOf(role.scope) < RANKS.indexOf(needed!)) return 403;
  if (role.cache === null) return null;
  if (ofCaches !== "*") return 403;
  // All caches are shown, of which it sees its own.
  if (line.startsWith("GET /api/v1/caches ")) return null;
  return role.cache === cache ? null : 403;
}
