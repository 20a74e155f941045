import type { CallOptions, WriteOptions } from "./call_options.ts";
import type { CommandBody } from "../state/sql/types.ts";
import type {
  CacheWatchEvent,
  CacheWatchRequest,
  Member,
  QueryAnswer,
  QueryRequest,
  WriteAnswer,
} from "../node/port.ts";
import type { MemberRoute } from "../api/route.ts";
import type { Transport } from "./transport.ts";
import { untilAborted } from "./abort.ts";

/** Calls a member in this process; nothing is encoded. */
export class LocalTransport implements Transport {
  readonly #member: Member;

  /** Closing the transport stops the member. */
  constructor(member: Member) {
    this.#member = member;
  }

  write(
    body: CommandBody,
    { signal, timeoutMs, idempotencyKey, maxRunMs }: WriteOptions,
  ): Promise<WriteAnswer> {
    return untilAborted(signal, () =>
      this.#member.write({
        body,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(maxRunMs === undefined ? {} : { maxRunMs }),
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      }));
  }

  read(request: QueryRequest, { signal }: CallOptions): Promise<QueryAnswer> {
    const given = signal === undefined ? request : { ...request, signal };
    return untilAborted(signal, () => this.#member.query(given));
  }

  call<Input, Reply>(
    route: MemberRoute<Input, Reply>,
    request: Input,
    { signal }: CallOptions,
  ): Promise<Reply> {
    return untilAborted(
      signal,
      async () => await route.ask(this.#member, request),
    );
  }

  watch(request: CacheWatchRequest): AsyncIterable<CacheWatchEvent> {
    return this.#member.caches.watch(request);
  }

  close(): Promise<void> {
    return this.#member.shutdown();
  }
}
