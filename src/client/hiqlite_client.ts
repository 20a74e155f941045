import type { CallOptions } from "./call_options.ts";
import type { Client } from "./client.ts";
import { AtomicBatch } from "./cache/atomic.ts";
import { Cache } from "./cache/cache.ts";
import { CacheSession } from "./cache/session.ts";
import type { CacheOptions, CacheValue } from "./cache/types.ts";
import { CACHE_STATS } from "../api/routes/cache.ts";
import { CLUSTER, MEMBERSHIP, TRANSFER } from "../api/routes/cluster.ts";
import type {
  CacheReport,
  ClusterStatus,
  HealthStatus,
  MembershipRequest,
} from "../node/port.ts";
import { HEALTH, METRICS, READY } from "../api/routes/status.ts";
import type { NodeId } from "../raft/types.ts";
import { SqlClient } from "./sql.ts";
import type { Transport } from "./transport.ts";

/** What a client's caches share, for its subclasses. */
export let cacheSessionOf: (client: HiqliteClient) => CacheSession;

/** Every verb of {@linkcode Client}, over a transport. */
export abstract class HiqliteClient extends SqlClient implements Client {
  readonly #transport: Transport;
  readonly #caches: CacheSession;

  static {
    cacheSessionOf = (client) => client.#caches;
  }

  /** Speaks over `transport` and closes it with {@linkcode shutdown}. */
  constructor(transport: Transport) {
    super(transport);
    this.#transport = transport;
    this.#caches = new CacheSession(transport);
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

  /** In a member's process: stops the member. From afar: ends this client. Idempotent. */
  shutdown(): Promise<void> {
    return this.#transport.close();
  }

  /** Ends the client as {@linkcode shutdown} does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}
