import type {
  CallOptions,
  QueryOptions,
  Row,
  SchemaOption,
  WriteOptions,
} from "./client.ts";
import type {
  ClusterStatus,
  HealthStatus,
  Member,
  MembershipRequest,
  QueryAnswer,
  QueryRequest,
  WriteAnswer,
} from "../node/port.ts";
import type {
  CommandBody,
  Migration,
  SqlParameters,
} from "../state/sql/types.ts";
import type { LogIndex, NodeId } from "../raft/types.ts";
import { parseRowsSync } from "./schema.ts";
import { readMigrations } from "./migrations.ts";
import { rowsByName } from "./rows.ts";
import { SqlClient } from "./sql_client.ts";
import { untilAborted } from "./abort.ts";

/** The client of a member in this process. */
export class LocalClient extends SqlClient {
  readonly #member: Member;

  /** Speaks to `member` and stops it with {@linkcode shutdown}. */
  constructor(member: Member) {
    super();
    this.#member = member;
  }

  /** The member, for servers of one's own: `apiHandler(client.member, …)`. */
  get member(): Member {
    return this.#member;
  }

  /**
   * Reads on the calling thread: a few µs, blocks it meanwhile. Contains every
   * earlier write of this client.
   */
  querySync<T = Row>(
    sql: string,
    params?: SqlParameters,
    options: SchemaOption<T> = {},
  ): T[] {
    const result = this.#member.querySync(sql, params);
    return parseRowsSync(rowsByName(result), options.schema);
  }

  /** Brings the schema up to date from objects or a folder of `<number>_<name>.sql` files. */
  override async migrate(
    migrations: readonly Migration[] | string | URL,
    options: WriteOptions = {},
  ): Promise<{ readonly index: LogIndex }> {
    const given = typeof migrations === "string" || migrations instanceof URL
      ? await readMigrations(migrations)
      : migrations;
    return super.migrate(given, options);
  }

  /** Whether the member runs and knows a leader. */
  override health(): Promise<HealthStatus> {
    return Promise.resolve(this.#member.health());
  }

  /** Whether the member is fit for traffic. */
  override ready(): Promise<HealthStatus> {
    return Promise.resolve(this.#member.ready());
  }

  /** The member's metrics in Prometheus' text format. */
  override metrics(): Promise<string> {
    return Promise.resolve(this.#member.metrics());
  }

  /** The cluster as the member sees it. */
  override cluster(): Promise<ClusterStatus> {
    return Promise.resolve(this.#member.cluster());
  }

  /** Moves leadership, by default to the most up-to-date voter. */
  override transferLeadership(
    target?: NodeId,
    options: CallOptions = {},
  ): Promise<ClusterStatus> {
    return untilAborted(
      options.signal,
      () => this.#member.transferLeadership(target),
    );
  }

  /** Adds, promotes, demotes or removes a member. */
  override changeMembership(
    request: MembershipRequest,
    options: CallOptions = {},
  ): Promise<ClusterStatus> {
    return untilAborted(
      options.signal,
      () => this.#member.changeMembership(request),
    );
  }

  /** Stops the member. Idempotent. */
  override shutdown(): Promise<void> {
    return this.#member.shutdown();
  }

  /** Sends a write; answers when it was applied. */
  protected override write(
    body: CommandBody,
    { signal, timeoutMs, idempotencyKey }: WriteOptions,
  ): Promise<WriteAnswer> {
    return untilAborted(signal, () =>
      this.#member.write({
        body,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      }));
  }

  /** Sends a read. */
  protected override read(
    request: QueryRequest,
    { signal, timeoutMs }: QueryOptions<unknown>,
  ): Promise<QueryAnswer> {
    return untilAborted(signal, () =>
      this.#member.query({
        ...request,
        ...(timeoutMs === undefined ? {} : { limits: { timeoutMs } }),
      }));
  }
}
