import { HiqliteError } from "../../errors.ts";
import { writeCommand } from "../../state/sql/command.ts";
import { resultOf } from "../../state/sql/result.ts";
import { validateCommand } from "../../state/sql/validate.ts";
import type { Proposal } from "../groups/proposal.ts";
import type { Observation, SqlQuery } from "../../state/sql/port.ts";
import type { Proposer } from "../groups/proposer.ts";
import type { SlowReport } from "../telemetry_port.ts";
import type {
  QueryAnswer,
  QueryRequest,
  RowStream,
  WriteAnswer,
  WriteRequest,
} from "../port.ts";
import { Outcomes } from "../../telemetry/outcomes.ts";
import { Freshness } from "./freshness.ts";
import { Following } from "./live/following.ts";
import { OwnWrites } from "./own_writes.ts";
import { type ReadPorts, Reads } from "./reads.ts";
import { codeOf } from "./failure_code.ts";
import { type SlowStatements, textOfWrite } from "./slow_statements.ts";
import {
  type SpanAttributes,
  statementAttributes,
  type Trace,
  type Traces,
} from "../../telemetry/traces.ts";
import type {
  CommandBody,
  QueryResult,
  SqlParameters,
} from "../../state/sql/types.ts";

/** A write that a leader took may run this long. */
const TIMEOUT_MS = 120_000;

/** A query that follows the database waits so long for a member that began empty. */
const OBSERVE_MS = 30_000;

/** The most that a write can ask for; the leader allows less. */
const RUN_MS_MAX = 2 ** 32 - 1;

/** What the database needs from its node. */
export interface DatabasePorts extends ReadPorts {
  readonly proposer: Proposer;
  /** The cluster's id. */
  history(): string;
  readonly traces: Traces;
  /** Hears what each statement took. */
  readonly slow: SlowStatements;
  /** What an error of a read means, if it shows damage. */
  explain(error: unknown): unknown;
}

/** SQL on the database's group: writes through the log, reads from this member's state. */
export class Database {
  readonly #ports: DatabasePorts;
  readonly #reads: Reads;
  readonly #freshness: Freshness;
  readonly #ownWrites: OwnWrites;
  /** Who follows it as it changes. */
  readonly live: Following;
  /** What writes of this member's clients came to. */
  readonly writes: Outcomes = new Outcomes();
  /** What queries of this member's clients came to: streams until their first row, when all of them are there. Those on the calling thread are counted, not timed. */
  readonly queries: Outcomes = new Outcomes();

  /** Reads and writes through `ports`. */
  constructor(ports: DatabasePorts) {
    this.#ports = ports;
    this.#reads = new Reads(ports);
    this.#ownWrites = new OwnWrites(ports);
    this.#freshness = new Freshness(ports);
    const { clock } = ports;
    this.live = new Following({
      clock,
      group: () => ports.group(),
      history: () => ports.history(),
      observe: (query, known) => this.#observe(query, known),
      applied: (index, timeoutMs) =>
        this.#freshness.applied(index, clock.monotonic() + timeoutMs),
    });
  }

  /** What took long lately. */
  get slow(): SlowReport {
    const { limitMs, latest } = this.#ports.slow;
    return { limitMs, statements: latest };
  }

  /** See {@linkcode Member.write}. */
  write(request: WriteRequest): Promise<WriteAnswer> {
    // One promise from here to the log: this is on the way of every write.
    return new Promise((resolve, reject) => {
      const { body, idempotencyKey = "", timeoutMs = TIMEOUT_MS } = request;
      validateCommand(body);
      const { maxRunMs = body.kind === "migrate" ? RUN_MS_MAX : 0 } = request;
      checkRunLimit(request.maxRunMs);
      const begunMs = this.#ports.clock.monotonic();
      const deadline = begunMs + timeoutMs;
      const trace = this.#ports.traces.begin(
        "hiqlite.write",
        tellWrite,
        body,
      );
      trace?.step("hiqlite.replicate");
      const proposal: Proposal = {
        body: (writer) => writeCommand(writer, body),
        idempotencyKey,
        maxRunMs,
        timeoutMs,
        traceparent: trace?.traceparent,
      };
      this.#ports.proposer.start(proposal, {
        resolve: (answer) => {
          try {
            const result = resultOf(answer);
            const failure = result.ok ? null : result.error.code;
            this.#answered(body, begunMs, failure);
            const written = { index: answer.index, result };
            trace?.step("hiqlite.apply");
            // A listener that begins now shall not hear it.
            const seen = body.kind === "notify"
              ? this.#ownWrites.applied(written, deadline)
              : this.#ownWrites.seen(written, deadline);
            resolve(seen);
            if (trace !== null) void end(trace, seen, failure);
          } catch (error) {
            trace?.end(codeOf(error));
            reject(error);
          }
        },
        reject: (error) => {
          this.#answered(body, begunMs, codeOf(error));
          trace?.end(codeOf(error));
          reject(error);
        },
      });
    });
  }

  /** See {@linkcode Member.query}. */
  query(request: QueryRequest): Promise<QueryAnswer> {
    return this.#ask(request, () => this.#reads.query(request));
  }

  /** See {@linkcode Member.rows}. */
  rows(request: QueryRequest): Promise<RowStream> {
    return this.#ask(request, () => this.#reads.rows(request));
  }

  /** See {@linkcode Member.querySync}. */
  querySync(sql: string, params?: SqlParameters): QueryResult {
    // The time of day: looking at the other clock twice is an eighth of a row by its key.
    const begunMs = this.#ports.clock.wall();
    let failure: string | null = null;
    try {
      this.#reads.throwIfBlank();
      const machine = this.#ports.machine();
      return machine.querySync(sql, params, this.#reads.answered);
    } catch (error) {
      const explained = this.#ports.explain(error);
      failure = codeOf(explained);
      throw explained;
    } finally {
      this.queries.count(failure);
      const ms = this.#ports.clock.wall() - begunMs;
      this.#ports.slow.asked(sql, ms, failure);
    }
  }

  async #ask<T>(request: QueryRequest, read: () => Promise<T>): Promise<T> {
    const begunMs = this.#ports.clock.monotonic();
    const trace = this.#ports.traces.begin(
      "hiqlite.query",
      tellQuery,
      request,
    );
    let failure: string | null = null;
    try {
      return await read();
    } catch (error) {
      const explained = this.#ports.explain(error);
      // Whoever gave it up makes it fail with an error of their own.
      const isGivenUp = request.signal?.aborted === true;
      failure = isGivenUp ? "cancelled" : codeOf(explained);
      throw explained;
    } finally {
      const ms = this.#ports.clock.monotonic() - begunMs;
      this.queries.record(ms, failure);
      this.#ports.slow.asked(request.sql, ms, failure);
      trace?.end(failure);
    }
  }

  #answered(
    body: CommandBody,
    begunMs: number,
    failure: string | null,
  ): void {
    const ms = this.#ports.clock.monotonic() - begunMs;
    this.writes.record(ms, failure);
    this.#ports.slow.wrote(body, ms, failure);
  }

  /** Ends waits whose time is over. Call it a few times a second. */
  tick(): void {
    this.#ownWrites.tick();
    this.live.tick();
  }

  async #observe(query: SqlQuery, known: string): Promise<Observation> {
    this.#ports.throwIfStopped();
    const deadline = this.#ports.clock.monotonic() + OBSERVE_MS;
    await this.#reads.filled(deadline);
    await this.#freshness.answered(deadline);
    try {
      return await this.#ports.machine().observe(query, known);
    } catch (error) {
      throw this.#ports.explain(error);
    }
  }
}

/** Ends a trace once its write is applied here, or that is not waited for any more. */
async function end(
  trace: Trace,
  seen: WriteAnswer | Promise<WriteAnswer>,
  failure: string | null,
): Promise<void> {
  await seen;
  trace.end(failure);
}

function tellWrite(body: CommandBody): SpanAttributes {
  return statementAttributes(textOfWrite(body));
}

function tellQuery({ sql }: QueryRequest): SpanAttributes {
  return statementAttributes(sql);
}

/** @throws {HiqliteError} `invalid` */
function checkRunLimit(maxRunMs: number | undefined): void {
  if (maxRunMs === undefined) return;
  if (
    Number.isInteger(maxRunMs) && maxRunMs >= 1 && maxRunMs <= RUN_MS_MAX
  ) return;
  throw new HiqliteError(
    "invalid",
    `maxRunMs: expected an integer from 1 to ${RUN_MS_MAX}, got ${maxRunMs}`,
  );
}
