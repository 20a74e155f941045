import type { CallOptions, WriteOptions } from "./client.ts";
import type { CommandBody } from "../state/sql/types.ts";
import type { MemberRoute } from "../api/route.ts";
import type { QueryAnswer, QueryRequest, WriteAnswer } from "../node/port.ts";

/** How a client reaches a member. */
export interface Transport {
  /**
   * Sends a write until it is applied or refused; it is applied once.
   * @throws {HiqliteError} for what happened before that; `outcome_unknown` if it may have been applied.
   */
  write(body: CommandBody, options: WriteOptions): Promise<WriteAnswer>;
  /** Sends a read. @throws {HiqliteError} */
  read(request: QueryRequest, options: CallOptions): Promise<QueryAnswer>;
  /** Calls any other route by its declaration. @throws {HiqliteError} */
  call<Input, Reply>(
    route: MemberRoute<Input, Reply>,
    request: Input,
    options: CallOptions,
  ): Promise<Reply>;
  /** Ends the transport; in a member's process, the member. Idempotent. */
  close(): Promise<void>;
}
