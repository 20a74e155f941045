/**
 * A client for any JavaScript runtime: it needs `fetch` and nothing else.
 *
 * ```ts ignore
 * import { connect } from "@hiqlite/hiqlite/client";
 *
 * await using db = connect({ urls: ["10.0.0.1:8200", "10.0.0.2:8200"], secret });
 * await db.execute("INSERT INTO note (text) VALUES (?)", ["hello"]);
 * ```
 *
 * @module
 */
import type { CallOptions, WriteOptions } from "./client.ts";
import type {
  ClusterStatus,
  HealthStatus,
  MembershipRequest,
  QueryAnswer,
  QueryRequest,
  WriteAnswer,
} from "../node/port.ts";
import type { CommandBody, StatementResult } from "../state/sql/types.ts";
import type { NodeId } from "../raft/types.ts";
import {
  clusterFromWire,
  membershipToWire,
  resultFromWire,
  type WireCluster,
  type WireResult,
} from "../api/wire.ts";
import type { ExchangeRequest } from "./exchange.ts";
import { Failover } from "./failover.ts";
import { HiqliteError } from "../errors.ts";
import {
  parametersToJson,
  rowsFromJson,
  statementToJson,
} from "../api/json.ts";
import { SqlClient } from "./sql_client.ts";
import { StatementError } from "./statement_error.ts";

export type * from "./client.ts";
export type * from "./schema.ts";
export type { ErrorCode } from "../errors.ts";
export { HiqliteError, OutcomeUnknownError } from "../errors.ts";
export { ref } from "./reference.ts";
export { StatementError } from "./statement_error.ts";

/** How to reach a cluster. */
export interface ConnectOptions {
  /** API addresses of some or all members: `host:port` or `http(s)://host:port`. */
  readonly urls: readonly string[];
  /** The API secret. */
  readonly secret: string;
  /** Longest wait for an answer, retries included, ms. @default {15_000} */
  readonly timeoutMs?: number;
  /**
   * A member that keeps us waiting is asked for a sign of life this often; one
   * that gives none is left, ms. @default {2_000}
   */
  readonly probeMs?: number;
  /** In place of the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/**
 * A client of a cluster. Nothing is sent before the first call.
 *
 * @throws {HiqliteError} `invalid` for an address or secret that cannot be used.
 */
export function connect(options: ConnectOptions): RemoteClient {
  return new RemoteClient(options);
}

/** A {@linkcode Client} over HTTP; see {@linkcode connect}. */
export class RemoteClient extends SqlClient {
  readonly #failover: Failover;
  readonly #timeoutMs: number;

  /** See {@linkcode connect}. */
  constructor(options: ConnectOptions) {
    super();
    if (options.urls.length === 0) {
      throw new HiqliteError("invalid", "urls: expected at least one address");
    }
    if (!/^[\x21-\x7e]+$/.test(options.secret)) {
      throw new HiqliteError(
        "invalid",
        "secret: expected printable ASCII without spaces",
      );
    }
    this.#timeoutMs = options.timeoutMs ?? 15_000;
    this.#failover = new Failover({
      urls: options.urls.map(baseUrl),
      secret: options.secret,
      fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
      probeMs: options.probeMs ?? 2000,
    });
  }

  /** Whether the member runs and knows a leader. */
  override async health(options: CallOptions = {}): Promise<HealthStatus> {
    return await this.#get("/health", options) as HealthStatus;
  }

  /** Whether the member is fit for traffic. */
  override async ready(options: CallOptions = {}): Promise<HealthStatus> {
    return await this.#get("/ready", options) as HealthStatus;
  }

  /** The member's metrics in Prometheus' text format. */
  override async metrics(options: CallOptions = {}): Promise<string> {
    return await this.#get("/metrics", options) as string;
  }

  /** The cluster as the member sees it. */
  override async cluster(options: CallOptions = {}): Promise<ClusterStatus> {
    const wire = await this.#get("/api/v1/cluster", options);
    return clusterFromWire(wire as WireCluster);
  }

  /** Moves leadership, by default to the most up-to-date voter. */
  override transferLeadership(
    target?: NodeId,
    options: CallOptions = {},
  ): Promise<ClusterStatus> {
    return this.#change("transfer", { node_id: target }, options);
  }

  /** Adds, promotes, demotes or removes a member. */
  override changeMembership(
    request: MembershipRequest,
    options: CallOptions = {},
  ): Promise<ClusterStatus> {
    return this.#change(request.action, membershipToWire(request), options);
  }

  /** Ends what is under way; the cluster goes on. Idempotent. */
  override shutdown(): Promise<void> {
    this.#failover.close();
    return Promise.resolve();
  }

  /** Sends a write; answers when it was applied. */
  protected override async write(
    body: CommandBody,
    options: WriteOptions,
  ): Promise<WriteAnswer> {
    const { path, json } = writeToWire(body);
    const key = options.idempotencyKey ?? crypto.randomUUID();
    try {
      const wire = await this.#send({
        method: "POST",
        path: `/api/v1/${path}`,
        headers: { "idempotency-key": key },
        body: (timeoutMs) => JSON.stringify({ ...json, timeout_ms: timeoutMs }),
        repeatable: "keyed",
      }, options) as WireResult & { index: number; results?: WireResult[] };
      const results = path === "execute" ? [wire] : wire.results ?? [];
      return {
        index: wire.index,
        result: { ok: true, results: results.map(resultFromWire) },
      };
    } catch (error) {
      // A refusal has an index too: what led to it must be seen by later reads.
      if (error instanceof StatementError) this.observe(error);
      throw error;
    }
  }

  /** Sends a read. */
  protected override async read(
    request: QueryRequest,
    options: CallOptions,
  ): Promise<QueryAnswer> {
    const json = {
      sql: request.sql,
      params: parametersToJson(request.params, "params"),
      consistency: request.consistency,
      min_index: request.minIndex,
      timeout_ms: options.timeoutMs,
    };
    const wire = await this.#send({
      method: "POST",
      path: "/api/v1/query",
      body: () => JSON.stringify(json),
      repeatable: "yes",
    }, options) as { columns: string[]; rows: unknown; index: number };
    const rows: StatementResult["rows"] = rowsFromJson(wire.rows);
    return { columns: wire.columns, rows, index: wire.index };
  }

  async #change(
    action: string,
    json: unknown,
    options: CallOptions,
  ): Promise<ClusterStatus> {
    const path = `/api/v1/cluster/${action}`;
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    const begun = performance.now();
    // Never sent twice, so it goes to a member that was just seen to answer.
    await this.health({ ...options, timeoutMs }).catch((cause) => {
      if (cause?.code !== "timeout") throw cause;
      const message = `POST ${path} was not sent: ${cause.message}`;
      throw new HiqliteError("timeout", message, { cause });
    });
    const waited = performance.now() - begun;
    const wire = await this.#send({
      method: "POST",
      path,
      body: () => JSON.stringify(json),
      repeatable: "no",
    }, { ...options, timeoutMs: Math.max(1, Math.ceil(timeoutMs - waited)) });
    return clusterFromWire(wire as WireCluster);
  }

  #get(path: string, options: CallOptions): Promise<unknown> {
    return this.#send({ method: "GET", path, repeatable: "yes" }, options);
  }

  #send(
    request: Omit<ExchangeRequest, "timeoutMs" | "signal">,
    { timeoutMs, signal }: CallOptions,
  ): Promise<unknown> {
    return this.#failover.send({
      ...request,
      timeoutMs: timeoutMs ?? this.#timeoutMs,
      signal,
    });
  }
}

/** The route and the body of a write. */
function writeToWire(body: CommandBody): { path: string; json: object } {
  switch (body.kind) {
    case "execute":
      return {
        path: "execute",
        json: statementToJson(body.statement, "") as object,
      };
    case "txn":
      return {
        path: "txn",
        json: {
          statements: body.statements.map((statement, at) =>
            statementToJson(statement, `statements[${at}].`)
          ),
        },
      };
    case "batch":
      return { path: "batch", json: { sql: body.sql } };
    case "migrate":
      return { path: "migrate", json: { migrations: body.migrations } };
  }
}

function baseUrl(address: string): string {
  const text = /^https?:\/\//i.test(address) ? address : `http://${address}`;
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.search !== "") {
    throw new HiqliteError(
      "invalid",
      `urls: expected host:port or http(s)://host:port, got "${address}"`,
    );
  }
  return url.href.replace(/\/+$/, "");
}
