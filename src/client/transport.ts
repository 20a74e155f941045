import type { CallOptions, WriteOptions } from "./call_options.ts";
import type { LogIndex } from "../raft/types.ts";
import type { StatementsBody } from "../state/sql/types.ts";
import type { MemberRoute } from "../api/route.ts";
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

/** How a client reaches a member. */
export interface Transport {
  /**
   * Sends a write until it is applied or refused; it is applied once.
   * @throws {HiqliteError} for what happened before that; `outcome_unknown` if it may have been applied.
   */
  write(body: StatementsBody, options: WriteOptions): Promise<WriteAnswer>;
  /** Sends a read. @throws {HiqliteError} */
  read(request: QueryRequest, options: CallOptions): Promise<QueryAnswer>;
  /** Sends a read whose rows are taken page by page, of one member. @throws {HiqliteError} */
  rows(request: QueryRequest, options: CallOptions): Promise<RowStream>;
  /** Calls any other route by its declaration; one that is `keyed`, with the key in `options` or one of its own. @throws {HiqliteError} */
  call<Input, Reply>(
    route: MemberRoute<Input, Reply>,
    request: Input,
    options: WriteOptions,
  ): Promise<Reply>;
  /** Watches a cache until the signal aborts, at another member if one fails. @throws {HiqliteError} */
  watch(request: CacheWatchRequest): AsyncIterable<CacheWatchEvent>;
  /** Tells which tables changed until the signal aborts, at another member if one fails; `seen` is the index of the last answer. @throws {HiqliteError} */
  changes(
    request: ChangesRequest,
    seen: () => LogIndex,
  ): AsyncIterable<TableChange>;
  /** Tells the rows of a query whenever they are others, likewise. @throws {HiqliteError} */
  live(request: LiveRequest): AsyncIterable<LiveEvent>;
  /** Listens to topics, beginning with a place, until the signal aborts, at another member if one fails. @throws {HiqliteError} */
  listen(request: ListenRequest): AsyncIterable<TopicMessage>;
  /** Ends the transport; in a member's process, the member. Idempotent. */
  close(): Promise<void>;
}
