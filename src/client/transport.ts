import type { CallOptions, WriteOptions } from "./call_options.ts";
import type { CommandBody } from "../state/sql/types.ts";
import type { MemberRoute } from "../api/route.ts";
import type {
  CacheWatchEvent,
  CacheWatchRequest,
  QueryAnswer,
  QueryRequest,
  WriteAnswer,
} from "../node/port.ts";

/** How a client reaches a member. */
export interface Transport {
  /**
   * Sends a write until it is applied or refused; it is applied once.
   * @throws {HiqliteError} for what happened before that; `outcome_unknown` if it may have been applied.
   */
  write(body: CommandBody, options: WriteOptions): Promise<WriteAnswer>;
  /** Sends a read. @throws {HiqliteError} */
  read(request: QueryRequest, options: CallOptions): Promise<QueryAnswer>;
  /** Calls any other route by its declaration; one that is `keyed`, with the key in `options` or one of its own. @throws {HiqliteError} */
  call<Input, Reply>(
    route: MemberRoute<Input, Reply>,
    request: Input,
    options: WriteOptions,
  ): Promise<Reply>;
  /** Watches a cache until the signal aborts, at another member if one fails. @throws {HiqliteError} */
  watch(request: CacheWatchRequest): AsyncIterable<CacheWatchEvent>;
  /** Ends the transport; in a member's process, the member. Idempotent. */
  close(): Promise<void>;
}
