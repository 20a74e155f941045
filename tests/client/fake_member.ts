import { DatabaseSync, type StatementSync } from "node:sqlite";
import { HiqliteError } from "../../src/errors.ts";
import type {
  ClusterStatus,
  GroupStatus,
  HealthStatus,
  Member,
  MemberCaches,
  MemberLive,
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
import { FakeTelemetry } from "./fake_telemetry.ts";
import { FakeAudit } from "./fake_audit.ts";
import { FakeTokens } from "./fake_tokens.ts";
import { RecordingMember } from "./recording_member.ts";
import type {
  CommandFailure,
  CommandResult,
  QueryResult,
  SqlParameter,
  SqlParameters,
  SqlValue,
  Statement,
  StatementResult,
} from "../../src/state/sql/types.ts";

/** A recorded member without a cluster. */
export class FakeMember extends RecordingMember {
  constructor() {
    super(new PlainMember());
  }
}

/** One SQLite database in memory that remembers answers by key. */
class PlainMember implements Member {
  readonly #db = new DatabaseSync(":memory:");
  readonly #answers = new Map<string, WriteAnswer>();
  #index = 0;
  #open = true;

  // deno-lint-ignore require-await
  async write(request: WriteRequest): Promise<WriteAnswer> {
    const key = request.idempotencyKey ?? "";
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    this.#index++;
    const answer = { index: this.#index, result: this.#apply(request) };
    if (key !== "") this.#answers.set(key, answer);
    return answer;
  }

  // deno-lint-ignore require-await
  async query(request: QueryRequest): Promise<QueryAnswer> {
    const result = this.querySync(request.sql, request.params);
    return { ...result, index: this.#index };
  }

  // deno-lint-ignore require-await
  async rows({ sql, params }: QueryRequest): Promise<RowStream> {
    const { columns, rows } = this.querySync(sql, params);
    let taken = 0;
    return {
      ...{ columns, count: rows.length, index: this.#index },
      next: () => {
        const page = rows.slice(taken, taken += 2);
        return Promise.resolve(page.length === 0 ? null : page);
      },
      end: () => {
        taken = rows.length;
        return Promise.resolve();
      },
    };
  }

  querySync(sql: string, params?: SqlParameters): QueryResult {
    if (!/^\s*(select|with|values|explain)\b/i.test(sql)) {
      throw new HiqliteError("forbidden", "a query cannot write");
    }
    let statement: StatementSync;
    try {
      statement = this.#db.prepare(sql);
    } catch (error) {
      throw new HiqliteError("sql", (error as Error).message);
    }
    return this.#rowsOf(statement, params ?? []);
  }

  get live(): MemberLive {
    throw new HiqliteError("conflict", "Nothing to follow here");
  }

  get caches(): MemberCaches {
    throw new HiqliteError("conflict", "No caches here");
  }

  get topics(): MemberTopics {
    throw new HiqliteError("conflict", "No topics here");
  }

  get locks(): MemberLocks {
    throw new HiqliteError("conflict", "No locks here");
  }

  readonly tokens: MemberTokens = new FakeTokens();
  readonly audit: MemberAudit = new FakeAudit();
  get backups(): MemberBackups {
    throw new HiqliteError("conflict", "No backups here");
  }

  readonly telemetry: MemberTelemetry = new FakeTelemetry();

  cluster(): ClusterStatus {
    const durable: GroupStatus = {
      self: "1.00000000000000aa",
      leader: "1.00000000000000aa",
      term: 3,
      commitIndex: this.#index,
      appliedIndex: this.#index,
      lastIndex: this.#index,
      firstIndex: 1,
      joint: false,
      members: [{
        id: "1.00000000000000aa",
        nodeId: 1,
        raftAddress: "127.0.0.1:8100",
        apiAddress: "127.0.0.1:8200",
        role: "leader",
        connected: true,
        matchIndex: this.#index,
      }],
    };
    return {
      clusterId: "c0ffee",
      ...durable,
      groups: [{ name: "db", ...durable }],
    };
  }

  health(): HealthStatus {
    return { ok: true, detail: "ok" };
  }

  ready(): HealthStatus {
    return { ok: true, detail: "ok" };
  }

  metrics(): string {
    return `# TYPE hiqlite_applied_index gauge\nhiqlite_applied_index ${this.#index}\n`;
  }

  changeMembership(): Promise<ClusterStatus> {
    return Promise.resolve(this.cluster());
  }

  transferLeadership(): Promise<ClusterStatus> {
    return Promise.resolve(this.cluster());
  }

  // deno-lint-ignore require-await
  async shutdown(): Promise<void> {
    if (this.#open) this.#db.close();
    this.#open = false;
  }

  #apply({ body }: WriteRequest): CommandResult {
    switch (body.kind) {
      case "execute":
        return this.#statements([body.statement]);
      case "txn":
        return this.#statements(body.statements);
      case "batch": {
        const statements = body.sql.split(";").filter((sql) =>
          sql.trim() !== ""
        )
          .map((sql) => ({ sql }));
        const results: StatementResult[] = [];
        for (const [at, statement] of statements.entries()) {
          const result = this.#statements([statement]);
          if (!result.ok) {
            const error = { ...result.error, statement: at };
            return { ok: false, error, results };
          }
          results.push(...result.results);
        }
        return { ok: true, results };
      }
      case "migrate":
        for (const migration of body.migrations) this.#db.exec(migration.sql);
        return { ok: true, results: [] };
      case "notify":
        throw new HiqliteError("conflict", "No topics here");
    }
  }

  #statements(statements: readonly Statement[]): CommandResult {
    const results: StatementResult[] = [];
    this.#db.exec("BEGIN");
    for (const [at, statement] of statements.entries()) {
      try {
        results.push(this.#run(statement, results));
      } catch (error) {
        this.#db.exec("ROLLBACK");
        const message = (error as Error).message;
        const failure: CommandFailure = {
          code: /constraint/i.test(message) ? "constraint" : "sql",
          message,
          ...(statements.length > 1 ? { statement: at } : {}),
        };
        return { ok: false, error: failure, results: [] };
      }
    }
    this.#db.exec("COMMIT");
    return { ok: true, results };
  }

  #run(
    { sql, params = [] }: Statement,
    earlier: readonly StatementResult[],
  ): StatementResult {
    const resolved = resolveReferences(params, earlier);
    const statement = this.#db.prepare(sql);
    if (statement.columns().length > 0) {
      const result = this.#rowsOf(statement, resolved);
      return {
        ...result,
        rowsAffected: result.rows.length,
        lastInsertRowid: null,
      };
    }
    const { changes, lastInsertRowid } = run(statement, resolved);
    return {
      rowsAffected: Number(changes),
      lastInsertRowid: /^\s*insert/i.test(sql) ? lastInsertRowid : null,
      columns: [],
      rows: [],
    };
  }

  #rowsOf(statement: StatementSync, params: SqlParameters): QueryResult {
    statement.setReadBigInts(true);
    // Deno has the method; its types do not know it yet.
    (statement as unknown as { setReturnArrays(on: boolean): void })
      .setReturnArrays(true);
    const rows =
      (Array.isArray(params)
        ? statement.all(...params.map(bound))
        : statement.all(named(params))) as unknown as SqlValue[][];
    return {
      columns: statement.columns().map((column) => column.name ?? ""),
      rows: rows.map((row) => row.map(shown)),
    };
  }
}

function run(
  statement: StatementSync,
  params: SqlParameters,
): { changes: number | bigint; lastInsertRowid: number | bigint } {
  return Array.isArray(params)
    ? statement.run(...params.map(bound))
    : statement.run(named(params));
}

function bound(
  value: SqlParameter,
): null | bigint | number | string | Uint8Array {
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "number" && Number.isSafeInteger(value)) {
    return BigInt(value);
  }
  return value as Exclude<SqlValue, never>;
}

function named(
  params: SqlParameters,
): Record<string, ReturnType<typeof bound>> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, bound(value)]),
  );
}

function shown(value: SqlValue): SqlValue {
  return typeof value === "bigint" && Number.isSafeInteger(Number(value))
    ? Number(value)
    : value;
}

function resolveReferences(
  params: SqlParameters,
  earlier: readonly StatementResult[],
): SqlParameters {
  const resolve = (value: SqlParameter): SqlParameter => {
    if (typeof value !== "object" || value === null || !("$ref" in value)) {
      return value;
    }
    const { statement, column } = value.$ref;
    const from = earlier[statement]!;
    const at = typeof column === "number"
      ? column
      : from.columns.indexOf(column);
    return from.rows[0]![at]!;
  };
  return Array.isArray(params) ? params.map(resolve) : Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, resolve(value)]),
  );
}
