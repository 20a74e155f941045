import { minimumOf } from "../../api/cache_json.ts";
import { HiqliteError } from "../../errors.ts";
import type { CacheReadRequest } from "../../node/port.ts";
import { type Access, checkCaches } from "../access.ts";
import { toByteKey } from "../../state/kv/keys.ts";
import type { ByteKey } from "../../state/kv/types.ts";

/** What the path and the query of a request name. */
export interface CachePath {
  readonly cache: string;
  /** Null in a path that names no entry. */
  readonly key: ByteKey | null;
  readonly query: CacheQuery;
}

/** The parameters of a request. Keys may be any bytes, which no `URLSearchParams` can hold. */
export class CacheQuery {
  readonly #values = new Map<string, ByteKey[]>();

  /** Reads `?…`. @throws {HiqliteError} `invalid` for a parameter that is not `known`. */
  constructor(search: string, known: readonly string[]) {
    for (const pair of search.slice(1).split("&")) {
      if (pair === "") continue;
      const at = pair.indexOf("=");
      const [name, value] = at < 0
        ? [pair, ""]
        : [pair.slice(0, at), pair.slice(at + 1)];
      if (!known.includes(name)) {
        throw new HiqliteError(
          "invalid",
          `Unknown parameter "${name.slice(0, 40)}", expected ${
            known.length === 0 ? "none" : known.join(", ")
          }`,
        );
      }
      const values = this.#values.get(name) ?? [];
      values.push(bytesOf(value.replaceAll("+", "%20")));
      this.#values.set(name, values);
    }
  }

  /** All values of a parameter, as bytes. */
  keys(name: string): readonly ByteKey[] {
    return this.#values.get(name) ?? [];
  }

  /** The value of a parameter, as bytes; undefined if it is not there. @throws {HiqliteError} `invalid` if it is there twice. */
  key(name: string): ByteKey | undefined {
    const [value, ...more] = this.keys(name);
    if (more.length === 0) return value;
    throw new HiqliteError("invalid", `${name}: is given twice`);
  }

  /** An integer; undefined if it is not there. @throws {HiqliteError} `invalid` */
  integer(name: string, low: number, high: number): number | undefined {
    const text = this.key(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
    if (value >= low && value <= high) return value;
    throw new HiqliteError(
      "invalid",
      `${name}: expected an integer from ${low} to ${high}, got "${
        text.slice(0, 40)
      }"`,
    );
  }

  /** True or false; undefined if it is not there. @throws {HiqliteError} `invalid` */
  flag(name: string): boolean | undefined {
    const text = this.key(name);
    if (text === undefined) return undefined;
    if (text === "true" || text === "false") return text === "true";
    throw new HiqliteError(
      "invalid",
      `${name}: expected true or false, got "${text.slice(0, 40)}"`,
    );
  }
}

/** What a request below `/api/v1/cache/` names, if its caller may touch that cache. @throws {HiqliteError} `invalid`, `forbidden` */
export function cachePathOf(
  request: Request,
  known: readonly string[],
  access: Access,
): CachePath {
  const { path, search } = partsOf(request.url);
  const [cache, key] = path.split("/").slice(4).map(segmentOf);
  checkCaches(access, [cache!]);
  return {
    cache: cache!,
    key: key ?? null,
    query: new CacheQuery(search, known),
  };
}

/** What stands in a request's query, of which only these are known. @throws {HiqliteError} `invalid` */
export function queryOf(
  request: Request,
  known: readonly string[],
): CacheQuery {
  return new CacheQuery(partsOf(request.url).search, known);
}

/** Path and query as they were sent: the route was chosen by them, and `URL` would read others. */
function partsOf(
  url: string,
): { readonly path: string; readonly search: string } {
  const [, path, search = ""] = /^[^:]+:\/\/[^/?#]*([^?#]*)(\?[^#]*)?/.exec(
    url,
  )!;
  return { path: path!, search };
}

/** A part of a path. Some are refused, since most clients make another path of them before they send it. */
function segmentOf(text: string): ByteKey {
  if (text.includes("\\")) {
    throw new HiqliteError(
      "invalid",
      `There is a backslash in the path, at "${
        text.slice(0, 40)
      }": send it as %5C`,
    );
  }
  const bytes = bytesOf(text);
  if (bytes !== "." && bytes !== "..") return bytes;
  throw new HiqliteError(
    "invalid",
    `The path has a part "${bytes}", of which URLs make something else: no cache has that name, and for such a key send POST /api/v1/caches/atomic or /api/v1/caches/get`,
  );
}

/** How fresh a read must be. @throws {HiqliteError} `invalid` */
export function freshnessOf(
  query: CacheQuery,
): Pick<CacheReadRequest, "consistency" | "minimum" | "timeoutMs"> {
  const consistency = query.key("consistency") ?? "local";
  if (consistency !== "local" && consistency !== "linearizable") {
    throw new HiqliteError(
      "invalid",
      "consistency: expected local or linearizable",
    );
  }
  const index = query.integer("min_index", 0, Number.MAX_SAFE_INTEGER);
  const epoch = query.integer("epoch", 0, Number.MAX_SAFE_INTEGER);
  const timeoutMs = query.integer("timeout_ms", 1, 120_000);
  return {
    consistency,
    ...minimumOf(index, epoch),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

/** Percent-encoded bytes. @throws {HiqliteError} `invalid` */
function bytesOf(text: string): ByteKey {
  const bytes = toByteKey(text);
  if (!bytes.includes("%")) return bytes;
  return bytes.replaceAll(/%([0-9A-Fa-f]{2})|%/g, (_, digits) => {
    if (digits === undefined) {
      throw new HiqliteError(
        "invalid",
        `The percent sign in "${
          text.slice(0, 40)
        }" is not followed by two hexadecimal digits`,
      );
    }
    return String.fromCharCode(parseInt(digits, 16));
  });
}
