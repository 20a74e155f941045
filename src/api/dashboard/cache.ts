import type { JsonKvValue } from "../cache_json.ts";

/**
 * The body of `POST cache/list`. `GET cache` answers as `GET /api/v1/caches`, `POST cache/get` is
 * `POST /api/v1/caches/get`, `POST cache/write` is `POST /api/v1/caches/atomic`.
 */
export interface JsonCachePageRequest {
  readonly cache: string;
  /** Only keys that begin so: with this text, or with these bytes. @default all */
  readonly prefix?: JsonKvValue;
  /** Only keys after this one: the last of the page before. */
  readonly after?: JsonKvValue;
  /** 1 to 1,000. @default {100} */
  readonly limit?: number;
}

/** The answer of `POST cache/list`: a page in the order of the keys, without the values. */
export interface JsonCachePage {
  readonly entries: readonly JsonCacheLine[];
  readonly more: boolean;
  readonly epoch: number;
  readonly index: number;
}

/** An entry in a list. */
export interface JsonCacheLine {
  readonly key: JsonKvValue;
  readonly kind: "text" | "json" | "bytes";
  /** Of its value, bytes. */
  readonly size: number;
  readonly version: number;
  /** Null: for ever. */
  readonly ttl_ms: number | null;
  /** How a text begins, 200 characters at most; null of bytes. */
  readonly preview: string | null;
}
