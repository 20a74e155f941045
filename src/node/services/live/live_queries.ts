import { createHash } from "node:crypto";
import { HiqliteError } from "../../../errors.ts";
import type { LogIndex } from "../../../raft/types.ts";
import { readStatement, writeStatement } from "../../../state/sql/command.ts";
import type { SqlQuery } from "../../../state/sql/port.ts";
import { validateQuery } from "../../../state/sql/validate.ts";
import { ByteReader, encode } from "../../../util/bytes.ts";
import type { LiveEvent, LiveRequest } from "../../live_port.ts";
import { Attendance } from "../attendance.ts";
import type { ChangeFeed, FeedLife, FollowPorts } from "./change_feed.ts";
import { RunSlots } from "./run_slots.ts";
import { type LiveAnswer, type RunPorts, SharedQuery } from "./shared_query.ts";

/** Live queries of a member. */
const QUERIES_MAX = 1_000;
/** Different ones: text, parameters or limits. */
const DIFFERENT_MAX = 100;
/** Bytes of a text with its parameters, which are kept as long as it is followed. */
const STATEMENT_BYTES_MAX = 64 * 1024;
/** Queries that run at a time: others find a reader. */
const RUNS_AT_ONCE = 2;
/** The same where they can be killed: there are two readers for all. */
const GUARDED_RUNS_AT_ONCE = 1;
const RUN_TIMEOUT_MS = 10_000;
const INTERVAL_MS = 50;
const INTERVAL_MS_MAX = 3_600_000;

/** What live queries need from their node. */
export interface LivePorts extends FollowPorts, Pick<RunPorts, "observe"> {}

/** Tells the rows of queries again whenever they are others. None keeps rows: what changes while nobody asks is found by the next run. */
export class LiveQueries {
  readonly #ports: LivePorts;
  readonly #feed: ChangeFeed;
  readonly #shared = new Map<string, SharedQuery>();
  readonly #slots = new RunSlots(RUNS_AT_ONCE);
  readonly #guardedSlots = new RunSlots(GUARDED_RUNS_AT_ONCE);
  readonly #asking = new Attendance();
  #runsBefore = 0;

  /** Of the group in `ports`, through its `feed`. */
  constructor(ports: LivePorts, feed: ChangeFeed) {
    this.#ports = ports;
    this.#feed = feed;
  }

  /** How many there are. */
  get count(): number {
    return this.#asking.count;
  }

  /** How often one was run. */
  get runs(): number {
    return [...this.#shared.values()].reduce(
      (sum, { runs }) => sum + runs,
      this.#runsBefore,
    );
  }

  /** See {@linkcode MemberLive.query}. */
  query(request: LiveRequest): AsyncIterable<LiveEvent> {
    const { sql, params, minIntervalMs = INTERVAL_MS } = request;
    validateQuery(sql, params);
    const whole = Number.isInteger(minIntervalMs) && minIntervalMs >= 0;
    if (!whole || minIntervalMs > INTERVAL_MS_MAX) {
      throw new HiqliteError(
        "invalid",
        `minIntervalMs: expected an integer from 0 to ${INTERVAL_MS_MAX}, got ${minIntervalMs}`,
      );
    }
    const { guarded = false, limits = {} } = request;
    const statement = encode((writer) => writeStatement(writer, request));
    const query: SqlQuery = {
      // A copy: what it was given may be changed.
      ...readStatement(new ByteReader(statement)),
      guarded,
      limits: { timeoutMs: RUN_TIMEOUT_MS, ...limits },
    };
    const key = keyOf(statement, query);
    if (this.#asking.count >= QUERIES_MAX) throw tooMany(QUERIES_MAX, "live");
    if (!this.#shared.has(key) && this.#shared.size >= DIFFERENT_MAX) {
      throw tooMany(DIFFERENT_MAX, "different live");
    }
    return this.#counted(key, query, { ...request, minIntervalMs });
  }

  async *#counted(
    key: string,
    query: SqlQuery,
    request: Timed,
  ): AsyncGenerator<LiveEvent> {
    const shared = this.#shared.get(key) ?? this.#share(key, query);
    const told = this.#tell(shared, request);
    yield* this.#asking.while(told, request.signal, () => {
      const release = this.#feed.hold();
      shared.askers++;
      return () => {
        release();
        if (--shared.askers > 0) return;
        this.#shared.delete(key);
        this.#runsBefore += shared.runs;
      };
    });
  }

  #share(key: string, query: SqlQuery): SharedQuery {
    const slots = query.guarded ? this.#guardedSlots : this.#slots;
    const shared = new SharedQuery(query, slots, {
      observe: (query, known) => this.#ports.observe(query, known),
      applied: () => this.#ports.group()?.events.end ?? 0,
      history: () => this.#ports.history(),
    });
    this.#shared.set(key, shared);
    return shared;
  }

  async *#tell(
    shared: SharedQuery,
    request: Timed,
  ): AsyncGenerator<LiveEvent> {
    const { since, signal, minIntervalMs } = request;
    let known = since?.hash ?? "";
    let least = await this.#least(request);
    for (let first = true; this.#feed.goesOn(signal);) {
      const begunMs = this.#ports.clock.monotonic();
      const { life } = this.#feed;
      const found = life === null
        ? await this.#feed.reborn(signal)
        : await this.#ask(shared, known, least, life, signal);
      if (life === null || !found) continue;
      const { event, observation: { index, hash, tables } } = found;
      known = hash;
      if (first || event.kind === "rows") yield event;
      first = false;
      least = await this.#changed(life, index, tables, signal);
      const spentMs = this.#ports.clock.monotonic() - begunMs;
      await this.#pause(minIntervalMs - spentMs, signal);
    }
  }

  /** The index that the first run must show. */
  async #least(
    { minIndex = 0, limits = {}, since, signal }: Timed,
  ): Promise<LogIndex> {
    const { timeoutMs = RUN_TIMEOUT_MS } = limits;
    if (minIndex > 0) await this.#ports.applied(minIndex, timeoutMs);
    if (since === undefined) return minIndex;
    const reached = await this.#feed.reached(since.place, signal);
    return reached ? Math.max(minIndex, since.place.index) : minIndex;
  }

  /** What the query answers; null if the life is over meanwhile, or nobody wants it any more. */
  async #ask(
    shared: SharedQuery,
    known: string,
    least: LogIndex,
    life: FeedLife,
    signal: AbortSignal | undefined,
  ): Promise<LiveAnswer | null> {
    const aborted = Promise.withResolvers<null>();
    const abort = (): void => aborted.resolve(null);
    signal?.addEventListener("abort", abort);
    try {
      return await Promise.race([shared.ask(known, least), aborted.promise]);
    } catch (error) {
      // What was rebuilt meanwhile is asked again.
      if (this.#feed.goesOn(signal) && this.#feed.life !== life) return null;
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Waits until the answer of `index` may be another; the index that changed it, or 0 in another life. */
  async #changed(
    life: FeedLife,
    index: LogIndex,
    tables: readonly string[] | null,
    signal: AbortSignal | undefined,
  ): Promise<LogIndex> {
    while (this.#feed.goesOn(signal) && this.#feed.life === life) {
      const last = life.latest.lastAfter(index, tables);
      if (last > 0) return last;
      await this.#feed.woken(tables, signal);
    }
    return 0;
  }

  /** Lets some time pass. */
  async #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (ms > 0) await this.#feed.woken([], signal, ms);
  }
}

/** A request whose interval is known. */
type Timed = LiveRequest & { readonly minIntervalMs: number };

/** Names what is asked. @throws {HiqliteError} `too_large` */
function keyOf(bytes: Uint8Array, { guarded, limits }: SqlQuery): string {
  if (bytes.length > STATEMENT_BYTES_MAX) {
    throw new HiqliteError(
      "too_large",
      `The text and the parameters of the live query have ${bytes.length} bytes, the limit is ${STATEMENT_BYTES_MAX}`,
    );
  }
  const { timeoutMs, maxRows, maxBytes } = limits!;
  return createHash("sha256").update(bytes)
    .update(JSON.stringify([guarded, timeoutMs, maxRows, maxBytes]))
    .digest("base64");
}

function tooMany(count: number, kind: string): HiqliteError {
  return new HiqliteError(
    "overloaded",
    `There are ${count} ${kind} queries at this member, the most it takes: end some, or ask another one`,
  );
}
