import { keyFromJson, keyToJson } from "../../api/cache_json.ts";
import type {
  JsonCacheLine,
  JsonCachePage,
} from "../../api/dashboard/cache.ts";
import { fieldsOf, integerField, textField } from "../../api/fields.ts";
import { idempotencyKeyOf } from "../../api/idempotency_key.ts";
import { CACHE_GET, CACHE_STATS } from "../../api/routes/cache.ts";
import { CACHE_ATOMIC, cachesOf } from "../../api/routes/cache_write.ts";
import type { CacheListAnswer, CacheListRequest } from "../../node/port.ts";
import { prefixRange, rangeAfter } from "../../state/kv/ranges.ts";
import type { DashboardHandlers } from "./asking.ts";
import { asRoute, bodyOf, type HandlerParts } from "./handler_parts.ts";

const PREVIEW_CHARS = 200;
const PAGE_DEFAULT = 100;

/** Caches: pages of keys, never all of them, and entries one by one. */
export function cacheHandlers(parts: HandlerParts) {
  const { member } = parts;
  return {
    caches: (asking) =>
      asRoute(parts, asking, CACHE_STATS, () => member.caches.stats()),
    cacheGet: (asking) =>
      asRoute(
        parts,
        asking,
        CACHE_GET,
        (request) => member.caches.get(request),
      ),
    cacheList: async (asking) => {
      const request = await bodyOf(parts, asking, pageRequest);
      const answer = await member.caches.list(request);
      return asking.context.json(pageOf(answer));
    },
    cacheWrite: (asking) =>
      asRoute(parts, asking, CACHE_ATOMIC, async (request) => {
        const { operations } = request.unit;
        const names = [...new Set(cachesOf(request.unit))].join(", ");
        asking.deed.detail = `${operations.length} operations on ${names}`;
        const key = idempotencyKeyOf(asking.context.req.raw.headers);
        const written = await member.caches.apply({ ...request, ...key });
        const { kind } = written.answer;
        if (kind !== "done") asking.deed.outcome = kind;
        return written;
      }),
  } satisfies Partial<DashboardHandlers>;
}

function pageRequest(json: unknown): CacheListRequest {
  const fields = fieldsOf(json, ["cache", "prefix", "after", "limit"]);
  const range = {
    ...prefixRange(keyFromJson(fields.get("prefix") ?? "", "prefix")),
    reverse: false,
    limit: integerField(fields, "limit", 1, 1000) ?? PAGE_DEFAULT,
  };
  const after = fields.get("after");
  return {
    cache: textField(fields, "cache"),
    range: after === undefined
      ? range
      : rangeAfter(range, keyFromJson(after, "after")),
  };
}

function pageOf(
  { entries, more, epoch, index }: CacheListAnswer,
): JsonCachePage {
  return {
    entries: entries.map(({ key, value, version, ttlMs }): JsonCacheLine => ({
      key: keyToJson(key),
      kind: value.kind,
      size: value.bytes.length,
      version,
      ttl_ms: ttlMs,
      preview: value.kind === "bytes"
        ? null
        : new TextDecoder().decode(value.bytes.subarray(0, 4 * PREVIEW_CHARS))
          .slice(0, PREVIEW_CHARS),
    })),
    more,
    epoch,
    index,
  };
}
