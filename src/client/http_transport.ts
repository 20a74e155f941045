import type { CallOptions, WriteOptions } from "./call_options.ts";
import type { StatementsBody } from "../state/sql/types.ts";
import { Failover, type FailoverOptions } from "./failover.ts";
import { HEALTH } from "../api/routes/status.ts";
import { HiqliteError } from "../errors.ts";
import { IDEMPOTENCY_KEY_HEADER } from "../api/idempotency_key.ts";
import { QUERY, WRITES } from "../api/routes/sql.ts";
import { listenOverHttp } from "./topics/listen_over_http.ts";
import { watchOverHttp } from "./cache/event_stream.ts";
import type {
  CacheWatchEvent,
  CacheWatchRequest,
  ChangesRequest,
  ListenRequest,
  LiveEvent,
  LiveRequest,
  QueryAnswer,
  QueryRequest,
  RowStream,
  TableChange,
  TopicMessage,
  WriteAnswer,
} from "../node/port.ts";
import { changesOverHttp, liveOverHttp } from "./live_over_http.ts";
import { rowsOverHttp } from "./rows_over_http.ts";
import type { LogIndex } from "../raft/types.ts";
import type { Route } from "../api/route.ts";
import type { Transport } from "./transport.ts";

/** How the members are reached, and how long a call may take by default. */
export interface HttpTransportOptions extends FailoverOptions {
  /** Longest wait for an answer, retries included, ms. */
  readonly timeoutMs: number;
  /** Lets go of what `fetch` holds. */
  readonly release: () => void;
}

/** Calls members over HTTP. If one fails, it asks another; it asks again where that is safe. */
export class HttpTransport implements Transport {
  readonly #failover: Failover;
  readonly #timeoutMs: number;
  readonly #options: HttpTransportOptions;
  readonly #closing = new AbortController();

  /** Nothing is sent before the first call. */
  constructor(options: HttpTransportOptions) {
    this.#failover = new Failover(options);
    this.#timeoutMs = options.timeoutMs;
    this.#options = options;
  }

  async write(
    body: StatementsBody,
    options: WriteOptions,
  ): Promise<WriteAnswer> {
    const { maxRunMs } = options;
    const request = maxRunMs === undefined ? { body } : { body, maxRunMs };
    return await this.#send(WRITES[body.kind], request, options);
  }

  read(request: QueryRequest, options: CallOptions): Promise<QueryAnswer> {
    return this.#send(QUERY, request, options);
  }

  rows(request: QueryRequest, options: CallOptions): Promise<RowStream> {
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    const asked = { request, timeoutMs, signal: options.signal };
    return rowsOverHttp(this.#options, asked, this.#closing.signal);
  }

  call<Input, Reply>(
    route: Route<Input, Reply>,
    request: Input,
    options: WriteOptions,
  ): Promise<Reply> {
    return route.repeat === "never"
      ? this.#sendOnce(route, request, options)
      : this.#send(route, request, options);
  }

  watch(request: CacheWatchRequest): AsyncIterable<CacheWatchEvent> {
    return watchOverHttp(this.#options, request, this.#closing.signal);
  }

  changes(
    request: ChangesRequest,
    seen: () => LogIndex,
  ): AsyncIterable<TableChange> {
    const { signal } = this.#closing;
    return changesOverHttp(this.#options, request, seen, signal);
  }

  live(request: LiveRequest): AsyncIterable<LiveEvent> {
    return liveOverHttp(this.#options, request, this.#closing.signal);
  }

  listen(request: ListenRequest): AsyncIterable<TopicMessage> {
    return listenOverHttp(this.#options, request, this.#closing.signal);
  }

  close(): Promise<void> {
    this.#failover.close();
    this.#closing.abort();
    this.#options.release();
    return Promise.resolve();
  }

  /** Sends what may not be sent twice: only after a member has just answered. */
  async #sendOnce<Input, Reply>(
    route: Route<Input, Reply>,
    request: Input,
    options: CallOptions,
  ): Promise<Reply> {
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    const begun = performance.now();
    const probe = this.#send(HEALTH, undefined, { ...options, timeoutMs });
    await probe.catch((cause) => {
      if (cause?.code !== "timeout") throw cause;
      const { method, path } = route;
      const message = `${method} ${path} was not sent: ${cause.message}`;
      throw new HiqliteError("timeout", message, { cause });
    });
    const waited = performance.now() - begun;
    const left = Math.max(1, Math.ceil(timeoutMs - waited));
    return await this.#send(route, request, { ...options, timeoutMs: left });
  }

  async #send<Input, Reply>(
    route: Route<Input, Reply>,
    request: Input,
    { signal, timeoutMs, idempotencyKey }: WriteOptions,
  ): Promise<Reply> {
    const body = await this.#failover.send({
      route,
      headers: route.repeat === "keyed"
        ? { [IDEMPOTENCY_KEY_HEADER]: idempotencyKey ?? crypto.randomUUID() }
        : {},
      encode: (memberMs) => route.request?.encode(request, memberMs),
      timeoutMs: timeoutMs ?? this.#timeoutMs,
      signal,
    });
    return route.reply.decode(body);
  }
}
