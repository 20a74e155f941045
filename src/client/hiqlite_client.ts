import type { CallOptions, WriteOptions } from "./call_options.ts";
import type { Client } from "./client.ts";
import { type BackupOptions, listBackups, takeBackup } from "./backups.ts";
import type { BackupRecord } from "../state/backups/types.ts";
import { AtomicBatch } from "./cache/atomic.ts";
import { Cache } from "./cache/cache.ts";
import { CacheSession } from "./cache/session.ts";
import type { CacheOptions, CacheValue } from "./cache/types.ts";
import { Election } from "./locks/election.ts";
import type { Lock } from "./locks/lock.ts";
import { LockSession } from "./locks/lock_session.ts";
import type {
  ElectionOptions,
  LockListOptions,
  LockOptions,
  TryLockOptions,
} from "./locks/types.ts";
import { HiqliteError } from "../errors.ts";
import { LOCK_CHANGE } from "../api/routes/lock.ts";
import type { LockFence } from "../state/locks/types.ts";
import type { LockState } from "../node/lock_port.ts";
import { CACHE_STATS } from "../api/routes/cache.ts";
import { CLUSTER, MEMBERSHIP, TRANSFER } from "../api/routes/cluster.ts";
import type {
  CacheReport,
  ClusterStatus,
  HealthStatus,
  MembershipRequest,
} from "../node/port.ts";
import { HEALTH, METRICS, READY } from "../api/routes/status.ts";
import { MEMBER_EVENTS, REPORTS, SERIES } from "../api/routes/telemetry.ts";
import type {
  MemberEvents,
  MemberEventsRequest,
  MemberSight,
  Series,
  SeriesRequest,
} from "../node/telemetry_port.ts";
import { NOTIFY } from "../api/routes/topics.ts";
import type { LogIndex, NodeId } from "../raft/types.ts";
import { storedOf } from "./stored_values.ts";
import { parseEventId } from "../state/topics/event_id.ts";
import { TopicFilter } from "../state/topics/topic_filter.ts";
import { TopicStream } from "./topics/topic_stream.ts";
import type { EventData, TopicOptions } from "./topics/types.ts";
import {
  BACKUP_OPTIONS,
  checked,
  ELECT_OPTIONS,
  LISTEN_OPTIONS,
  LOCK_LIST_OPTIONS,
  LOCK_OPTIONS,
  TRY_LOCK_OPTIONS,
  WRITE_OPTIONS,
} from "./options.ts";
import { SqlClient } from "./sql.ts";
import { Tokens } from "./tokens.ts";
import type { Transport } from "./transport.ts";

/** So often a listener's place is told, ms: one that hears nothing must not fall behind what is kept. */
const PLACES_MS = 15_000;

/** What a client's caches share, for its subclasses. */
export let cacheSessionOf: (client: HiqliteClient) => CacheSession;

/** Every verb of {@linkcode Client}, over a transport. */
export abstract class HiqliteClient extends SqlClient implements Client {
  readonly #transport: Transport;
  readonly #caches: CacheSession;
  readonly #locks: LockSession;
  /** The tokens of the API: made, listed, revoked. */
  readonly tokens: Tokens;

  static {
    cacheSessionOf = (client) => client.#caches;
  }

  /** Speaks over `transport` and closes it with {@linkcode shutdown}; `owner` is what others read of its locks. */
  constructor(transport: Transport, owner: string) {
    super(transport);
    this.#transport = transport;
    this.#caches = new CacheSession(transport);
    this.#locks = new LockSession(transport, owner);
    this.tokens = new Tokens(transport);
  }

  /** A cache by its name; nothing is sent before its first use. */
  cache<T = CacheValue>(name: string, options: CacheOptions<T> = {}): Cache<T> {
    return new Cache(this.#caches, name, options);
  }

  /** Checks and changes of several caches that happen together, or not at all. */
  atomic(): AtomicBatch {
    return new AtomicBatch(this.#caches);
  }

  /** All caches as the member has them. */
  caches(options: CallOptions = {}): Promise<readonly CacheReport[]> {
    return this.#transport.call(CACHE_STATS, undefined, options);
  }

  /** Publishes an event. */
  async notify(
    topic: string,
    data: EventData,
    options: WriteOptions = {},
  ): Promise<{ readonly id: string; readonly index: LogIndex }> {
    const { timeoutMs, idempotencyKey } = checked(options, WRITE_OPTIONS);
    const notices = [{ topic, data: storedOf(data) }];
    const { ids, index } = await this.#transport.call(NOTIFY, {
      notices,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    }, options);
    this.observe({ index });
    return { id: ids[0]!, index };
  }

  /** Listens to topics. */
  listen(options: TopicOptions): TopicStream {
    const { topics, since, signal } = checked(options, LISTEN_OPTIONS);
    void new TopicFilter(topics);
    if (since !== undefined && since !== "oldest") parseEventId(since, "since");
    const messages = this.#transport.listen({
      topics,
      placesMs: PLACES_MS,
      ...(since === undefined ? {} : { since }),
      ...(signal === undefined ? {} : { signal }),
    });
    return new TopicStream(messages);
  }

  /** Gets a lock, waiting for it behind those who asked before. */
  async lock(name: string, options: LockOptions = {}): Promise<Lock> {
    return await this.#locks.lock(name, checked(options, LOCK_OPTIONS));
  }

  /** Gets a lock if it is free; null if others hold it or wait for it. */
  async tryLock(
    name: string,
    options: TryLockOptions = {},
  ): Promise<Lock | null> {
    checked(options, TRY_LOCK_OPTIONS);
    try {
      return await this.#locks.lock(name, { ...options, waitMs: 0 });
    } catch (error) {
      if (error instanceof HiqliteError && error.code === "lock_held") {
        return null;
      }
      throw error;
    }
  }

  /** Who holds locks; of one name, if it is given. */
  async locks(
    name?: string,
    asked: LockListOptions = {},
  ): Promise<readonly LockState[]> {
    const { consistency, ...options } = checked(asked, LOCK_LIST_OPTIONS);
    const { locks } = await this.#locks.list({
      ...(name === undefined ? {} : { name }),
      ...(consistency === undefined ? {} : { consistency }),
    }, options);
    return locks;
  }

  /** Gives back a lock by what its grant said, whoever holds it; false if nobody holds it so. */
  async releaseLock(
    { name, token }: LockFence,
    options: CallOptions = {},
  ): Promise<boolean> {
    const { answer } = await this.#transport.call(LOCK_CHANGE, {
      operation: { kind: "release", name, token },
    }, options);
    return answer.kind === "released" && answer.found;
  }

  /** An election under a name. */
  elect(name: string, options: ElectionOptions = {}): Election {
    return new Election(this.#locks, name, checked(options, ELECT_OPTIONS));
  }

  /** Takes a backup and waits until it is taken. */
  async backup(options: BackupOptions = {}): Promise<BackupRecord> {
    return await takeBackup(this.#transport, checked(options, BACKUP_OPTIONS));
  }

  /** The last hundred backups. */
  backups(options: CallOptions = {}): Promise<readonly BackupRecord[]> {
    return listBackups(this.#transport, options);
  }

  /** Whether the member runs and knows a leader. */
  health(options: CallOptions = {}): Promise<HealthStatus> {
    return this.#transport.call(HEALTH, undefined, options);
  }

  /** Whether the member is fit for traffic. */
  ready(options: CallOptions = {}): Promise<HealthStatus> {
    return this.#transport.call(READY, undefined, options);
  }

  /** The member's metrics in Prometheus' text format. */
  metrics(options: CallOptions = {}): Promise<string> {
    return this.#transport.call(METRICS, undefined, options);
  }

  /** The cluster as the member sees it. */
  cluster(options: CallOptions = {}): Promise<ClusterStatus> {
    return this.#transport.call(CLUSTER, undefined, options);
  }

  /** What every member says of itself, as the asked one heard it. */
  memberReports(options: CallOptions = {}): Promise<readonly MemberSight[]> {
    return this.#transport.call(REPORTS, undefined, options);
  }

  /** How every member was over time, as the asked one heard it. */
  memberSeries(
    request: SeriesRequest = {},
    options: CallOptions = {},
  ): Promise<Series> {
    return this.#transport.call(SERIES, request, options);
  }

  /** What happened to the members: elections, lost contact, snapshots, refused writes. */
  memberEvents(
    request: MemberEventsRequest = {},
    options: CallOptions = {},
  ): Promise<MemberEvents> {
    return this.#transport.call(MEMBER_EVENTS, request, options);
  }

  /** Moves leadership, by default to the most up-to-date voter. */
  transferLeadership(
    target?: NodeId,
    options: CallOptions = {},
  ): Promise<ClusterStatus> {
    return this.#transport.call(TRANSFER, target, options);
  }

  /** Adds, promotes, demotes or removes a member. */
  changeMembership(
    request: MembershipRequest,
    options: CallOptions = {},
  ): Promise<ClusterStatus> {
    return this.#transport.call(MEMBERSHIP[request.action], request, options);
  }

  /** In a member's process: stops the member. From afar: ends this client. Its locks are given back. Idempotent. */
  async shutdown(): Promise<void> {
    await this.#locks.close();
    await this.#transport.close();
  }

  /** Ends the client as {@linkcode shutdown} does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}
