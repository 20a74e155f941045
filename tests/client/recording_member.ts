import type {
  ClusterStatus,
  HealthStatus,
  Member,
  MemberCaches,
  MemberLive,
  MembershipRequest,
  MemberTopics,
  QueryAnswer,
  QueryRequest,
  RowStream,
  WriteAnswer,
  WriteRequest,
} from "../../src/node/port.ts";
import type { MemberAudit } from "../../src/node/audit_port.ts";
import type { MemberBackups } from "../../src/node/backup_port.ts";
import type { MemberLocks } from "../../src/node/lock_port.ts";
import type { MemberTelemetry } from "../../src/node/telemetry_port.ts";
import type { MemberTokens } from "../../src/node/token_port.ts";
import type { QueryResult, SqlParameters } from "../../src/state/sql/types.ts";

/** Passes on what a member is asked, keeps a record of it, and fails on demand. */
export class RecordingMember implements Member {
  readonly #member: Member;
  /** Everything that was asked, newest last. */
  readonly writes: WriteRequest[] = [];
  readonly queries: QueryRequest[] = [];
  /** Kept here and never passed on. */
  readonly changes: (MembershipRequest | { target: number | undefined })[] = [];
  /** Thrown by the next calls instead of working, in order. */
  readonly faults: Error[] = [];
  /** Runs before each write is passed on. */
  beforeWrite: () => Promise<void> = () => Promise.resolve();
  /** Said instead of the member's own health. */
  healthy: HealthStatus | undefined;
  stops = 0;

  constructor(member: Member) {
    this.#member = member;
  }

  async write(request: WriteRequest): Promise<WriteAnswer> {
    this.writes.push(request);
    this.#fail();
    await this.beforeWrite();
    return await this.#member.write(request);
  }

  async query(request: QueryRequest): Promise<QueryAnswer> {
    this.queries.push(request);
    this.#fail();
    return await this.#member.query(request);
  }

  async rows(request: QueryRequest): Promise<RowStream> {
    this.queries.push(request);
    this.#fail();
    return await this.#member.rows(request);
  }

  querySync(sql: string, params?: SqlParameters): QueryResult {
    return this.#member.querySync(sql, params);
  }

  get live(): MemberLive {
    return this.#member.live;
  }

  get caches(): MemberCaches {
    return this.#member.caches;
  }

  get topics(): MemberTopics {
    return this.#member.topics;
  }

  get backups(): MemberBackups {
    return this.#member.backups;
  }

  get locks(): MemberLocks {
    return this.#member.locks;
  }

  get tokens(): MemberTokens {
    return this.#member.tokens;
  }

  get telemetry(): MemberTelemetry {
    return this.#member.telemetry;
  }

  get audit(): MemberAudit {
    return this.#member.audit;
  }

  cluster(): ClusterStatus {
    return this.#member.cluster();
  }

  health(): HealthStatus {
    return this.healthy ?? this.#member.health();
  }

  ready(): HealthStatus {
    return this.healthy ?? this.#member.ready();
  }

  metrics(): string {
    return this.#member.metrics();
  }

  // deno-lint-ignore require-await
  async changeMembership(request: MembershipRequest): Promise<ClusterStatus> {
    this.changes.push(request);
    this.#fail();
    return this.cluster();
  }

  // deno-lint-ignore require-await
  async transferLeadership(target?: number): Promise<ClusterStatus> {
    this.changes.push({ target });
    this.#fail();
    return this.cluster();
  }

  shutdown(): Promise<void> {
    this.stops++;
    return this.#member.shutdown();
  }

  #fail(): void {
    const fault = this.faults.shift();
    if (fault !== undefined) throw fault;
  }
}
