import type { CallOptions, WriteOptions } from "./call_options.ts";
import type { StatementsBody } from "../state/sql/types.ts";
import type {
  CacheWatchEvent,
  CacheWatchRequest,
  ChangesRequest,
  ListenRequest,
  LiveEvent,
  LiveRequest,
  Member,
  QueryAnswer,
  QueryRequest,
  RowStream,
  TableChange,
  TopicMessage,
  WriteAnswer,
} from "../node/port.ts";
import type { MemberRoute } from "../api/route.ts";
import type { Transport } from "./transport.ts";
import { untilAborted } from "../util/abort.ts";

/** Calls a member in this process; nothing is encoded. */
export class LocalTransport implements Transport {
  readonly #member: Member;

  /** Closing the transport stops the member. */
  constructor(member: Member) {
    this.#member = member;
  }

  write(body: StatementsBody, options: WriteOptions): Promise<WriteAnswer> {
    const { signal, timeoutMs, idempotencyKey, maxRunMs } = options;
    const plain = timeoutMs === undefined && idempotencyKey === undefined &&
      maxRunMs === undefined;
    const request = plain ? { body } : {
      body,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(maxRunMs === undefined ? {} : { maxRunMs }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    };
    return untilAborted(signal, () => this.#member.write(request));
  }

  read(request: QueryRequest, { signal }: CallOptions): Promise<QueryAnswer> {
    const given = signal === undefined ? request : { ...request, signal };
    return untilAborted(signal, () => this.#member.query(given));
  }

  rows(request: QueryRequest, { signal }: CallOptions): Promise<RowStream> {
    const given = signal === undefined ? request : { ...request, signal };
    return this.#member.rows(given);
  }

  call<Input, Reply>(
    route: MemberRoute<Input, Reply>,
    request: Input,
    { signal }: CallOptions,
  ): Promise<Reply> {
    return untilAborted(signal, () => this.#ask(route, request));
  }

  /** Without a promise more than the member's own. */
  #ask<Input, Reply>(
    route: MemberRoute<Input, Reply>,
    request: Input,
  ): Promise<Reply> {
    try {
      return Promise.resolve(route.ask(this.#member, request));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  watch(request: CacheWatchRequest): AsyncIterable<CacheWatchEvent> {
    return this.#member.caches.watch(request);
  }

  changes(request: ChangesRequest): AsyncIterable<TableChange> {
    return this.#member.live.changes(request);
  }

  live(request: LiveRequest): AsyncIterable<LiveEvent> {
    return this.#member.live.query(request);
  }

  listen(request: ListenRequest): AsyncIterable<TopicMessage> {
    return this.#member.topics.listen(request);
  }

  close(): Promise<void> {
    return this.#member.shutdown();
  }
}
