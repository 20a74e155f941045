import type { ErrorCode } from "../../src/errors.ts";
import { Authority } from "../../src/tls/authority.ts";
import { httpCall, HttpCallError } from "./http_call.ts";

/** A value as the API writes it in JSON. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** A statement of a request. */
export interface ApiStatement {
  readonly sql: string;
  readonly params?: readonly JsonValue[];
}

/** Columns and rows of an answer. */
export interface ApiRows {
  readonly columns?: readonly string[];
  readonly rows?: readonly (readonly JsonValue[])[];
}

/** The answer to `/execute`. */
export interface ExecuteAnswer extends ApiRows {
  readonly rows_affected: number;
  readonly index: number;
}

/** The answer to `/txn`. */
export interface TxnAnswer {
  readonly results: readonly (ApiRows & { readonly rows_affected: number })[];
  readonly index: number;
}

/** The answer to `/query`. */
export interface QueryAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly JsonValue[])[];
  readonly index: number;
}

/** A place in the life of the caches. */
export interface CachePlace {
  readonly epoch: number;
  readonly index: number;
}

/** What proves that a lock is held. */
export interface ApiFence {
  readonly name: string;
  readonly token: number;
}

/** The answer to `POST /lock/{lock}`. */
export interface LockGrantAnswer {
  readonly token: number;
  readonly lease: number;
}

/** The answer to `/notify`. */
export interface NotifyAnswer {
  readonly ids: readonly string[];
}

/** Operations on caches, or checks. */
export type CacheParts = readonly { readonly [name: string]: JsonValue }[];

/** The answer to `/caches/atomic`: the results, or null if a condition did not hold and nothing was done. */
export interface CacheAtomicAnswer extends CachePlace {
  readonly results:
    | readonly {
      readonly version: number;
      readonly found: boolean;
      readonly previous: JsonValue;
      readonly counter: JsonValue;
    }[]
    | null;
}

/** The answer to `/caches/get`. */
export interface CacheGetAnswer extends CachePlace {
  readonly entries: readonly (
    | {
      readonly value: JsonValue;
      readonly version: number;
      readonly ttl_ms: number | null;
    }
    | null
  )[];
}

/** The answer to `/caches/counter`. */
export interface CacheCounterAnswer extends CachePlace {
  readonly counter: JsonValue;
}

/** How fresh a read of caches must be. */
export type CacheFreshness = "linearizable" | CachePlace;

/** The part of `/cluster` that tests look at. */
export interface ClusterAnswer {
  readonly self: JsonValue;
  readonly leader: JsonValue;
  readonly members: readonly {
    readonly node_id: number;
    readonly role: string;
    readonly [name: string]: JsonValue;
  }[];
  readonly groups: readonly {
    readonly name: string;
    readonly self: string;
    readonly leader: string | null;
    readonly term: number;
  }[];
  readonly [name: string]: JsonValue;
}

/** An answer, or what is known about the outcome without one. */
export type ApiResult<T> =
  | { readonly type: "ok"; readonly value: T }
  /** It took no effect. */
  | { readonly type: "fail"; readonly error: string }
  /** It may have taken effect, or may still. */
  | { readonly type: "info"; readonly error: string };

/** After these a write may have been applied. */
const UNKNOWN: ReadonlySet<ErrorCode> = new Set([
  "outcome_unknown",
  "internal",
  "storage",
]);

/** Options of {@linkcode MemberApi}. */
export interface MemberApiOptions {
  /** `http://host:port`; `https:` for one with an automatic certificate. */
  readonly url: string;
  readonly secret: string;
}

/** The HTTP API of one member, with every way a call can end sorted into three. */
export class MemberApi {
  readonly #options: MemberApiOptions;
  #ca: Promise<string> | undefined;

  /** Calls the member at a URL. */
  constructor(options: MemberApiOptions) {
    this.#options = options;
  }

  /** One write; with a fence only if its lock is held still. */
  execute(
    statement: ApiStatement & { readonly fence?: ApiFence },
    options: { readonly timeoutMs: number; readonly idempotencyKey?: string },
  ): Promise<ApiResult<ExecuteAnswer>> {
    return this.#post("execute", { ...statement }, options);
  }

  /** Asks for a lock with a lease of its own. */
  lock(
    name: string,
    wish: { readonly ttl_ms: number; readonly wait_ms: number },
    timeoutMs: number,
  ): Promise<ApiResult<LockGrantAnswer>> {
    const path = `/api/v1/lock/${encodeURIComponent(name)}`;
    return this.#request("POST", path, wish, { timeoutMs });
  }

  /** Gives a lock back. */
  unlock(
    { name, token }: ApiFence,
    timeoutMs: number,
  ): Promise<ApiResult<unknown>> {
    const path = `/api/v1/lock/${encodeURIComponent(name)}?token=${token}`;
    return this.#request("DELETE", path, undefined, { timeoutMs });
  }

  /** Publishes an event. */
  notify(
    topic: string,
    data: JsonValue,
    options: { readonly timeoutMs: number; readonly idempotencyKey: string },
  ): Promise<ApiResult<NotifyAnswer>> {
    return this.#post("notify", { topic, data }, options);
  }

  /** The stream of a topic's events after `since`. @throws {TypeError} if the member is not there. */
  listen(
    topic: string,
    since: string,
    signal: AbortSignal,
  ): Promise<Response> {
    const { url, secret } = this.#options;
    return fetch(`${url}/api/v1/listen?topics=${topic}&since=oldest`, {
      headers: {
        "x-api-secret": secret,
        ...(since === "" ? {} : { "last-event-id": since }),
      },
      signal,
    });
  }

  /** Several statements, all or nothing. */
  txn(
    statements: readonly ApiStatement[],
    options: { readonly timeoutMs: number },
  ): Promise<ApiResult<TxnAnswer>> {
    return this.#post("txn", { statements }, options);
  }

  /** A read; what goes wrong with it is always `fail`. */
  async query(
    statement: ApiStatement,
    options: {
      readonly timeoutMs: number;
      readonly consistency: "local" | "linearizable";
      readonly minIndex?: number;
    },
  ): Promise<ApiResult<QueryAnswer>> {
    const { timeoutMs, consistency, minIndex } = options;
    const result = await this.#post<QueryAnswer>("query", {
      ...statement,
      consistency,
      ...minIndex === undefined ? {} : { min_index: minIndex },
    }, { timeoutMs });
    return result.type === "info" ? { ...result, type: "fail" } : result;
  }

  /** Changes caches, in one life of them. A condition that does not hold is an answer, too. */
  async cacheAtomic(
    unit: { readonly checks?: CacheParts; readonly ops: CacheParts },
    epoch: number,
    options: { readonly timeoutMs: number; readonly idempotencyKey?: string },
  ): Promise<ApiResult<CacheAtomicAnswer>> {
    const result = await this.#post<CacheAtomicAnswer>("caches/atomic", {
      ...unit,
      epoch,
    }, options);
    return result.type === "fail" &&
        result.error.startsWith("precondition_failed:")
      ? { type: "ok", value: { results: null, epoch, index: 0 } }
      : result;
  }

  /** Reads an entry; what goes wrong is always `fail`. */
  cacheGet(
    cache: string,
    key: string,
    freshness: CacheFreshness,
    timeoutMs: number,
  ): Promise<ApiResult<CacheGetAnswer>> {
    const keys = [key];
    return this.#cacheRead("get", { cache, keys }, freshness, timeoutMs);
  }

  /** The same of a counter. */
  cacheCounter(
    cache: string,
    key: string,
    freshness: CacheFreshness,
    timeoutMs: number,
  ): Promise<ApiResult<CacheCounterAnswer>> {
    return this.#cacheRead("counter", { cache, key }, freshness, timeoutMs);
  }

  /** Asks the member for its view of the cluster. */
  cluster(timeoutMs: number): Promise<ApiResult<ClusterAnswer>> {
    return this.#request("GET", "/api/v1/cluster", undefined, { timeoutMs });
  }

  /** Asks for a change of the cluster: `transfer`, `demote`, `promote` … */
  changeCluster(
    action: string,
    body: object,
    timeoutMs: number,
  ): Promise<ApiResult<ClusterAnswer>> {
    return this.#post(`cluster/${action}`, body, { timeoutMs });
  }

  /** Whether `/ready` says so. */
  async ready(timeoutMs: number): Promise<boolean> {
    return await this.whyNotReady(timeoutMs) === null;
  }

  /** What `/ready` says, or why it says nothing; null if the member is ready. */
  async whyNotReady(timeoutMs: number): Promise<string | null> {
    const result = await this.#request("GET", "/ready", undefined, {
      timeoutMs,
    });
    return result.type === "ok" ? null : JSON.stringify(result);
  }

  async #cacheRead<T>(
    route: string,
    what: object,
    freshness: CacheFreshness,
    timeoutMs: number,
  ): Promise<ApiResult<T>> {
    const fresh = freshness === "linearizable"
      ? { consistency: freshness }
      : { min_index: freshness.index, epoch: freshness.epoch };
    const body = { ...what, ...fresh };
    const result = await this.#post<T>(`caches/${route}`, body, { timeoutMs });
    return result.type === "info" ? { ...result, type: "fail" } : result;
  }

  #post<T>(
    route: string,
    body: object,
    options: { readonly timeoutMs: number; readonly idempotencyKey?: string },
  ): Promise<ApiResult<T>> {
    return this.#request("POST", `/api/v1/${route}`, body, options);
  }

  /** Whoever knows the secret can make the authority. */
  async #trusted(): Promise<{ ca?: string }> {
    const { url, secret } = this.#options;
    if (!url.startsWith("https:")) return {};
    this.#ca ??= Authority.derive("api", secret)
      .then((authority) => authority.certificate());
    return { ca: await this.#ca };
  }

  async #request<T>(
    method: string,
    path: string,
    body: object | undefined,
    options: { readonly timeoutMs: number; readonly idempotencyKey?: string },
  ): Promise<ApiResult<T>> {
    const headers: Record<string, string> = {
      "x-api-secret": this.#options.secret,
    };
    if (body !== undefined) headers["content-type"] = "application/json";
    if (options.idempotencyKey !== undefined) {
      headers["idempotency-key"] = options.idempotencyKey;
    }
    try {
      const { status, text } = await httpCall({
        url: `${this.#options.url}${path}`,
        method,
        headers,
        ...body === undefined ? {} : { body: JSON.stringify(body) },
        timeoutMs: options.timeoutMs,
        ...await this.#trusted(),
      });
      if (status < 300) return { type: "ok", value: JSON.parse(text) };
      return refused(status, text);
    } catch (error) {
      if (!(error instanceof HttpCallError)) throw error;
      return { type: error.unsent ? "fail" : "info", error: error.message };
    }
  }
}

function refused(status: number, text: string): ApiResult<never> {
  try {
    const { code, message } = JSON.parse(text).error;
    const type = UNKNOWN.has(code) ? "info" : "fail";
    return { type, error: `${code}: ${message}` };
  } catch {
    return { type: "info", error: `${status}: ${text.slice(0, 200)}` };
  }
}
