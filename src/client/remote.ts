/**
 * A client for any JavaScript runtime: it needs `fetch` and nothing else.
 *
 * ```ts
 * import { apiHandler, open } from "@hiqlite/hiqlite";
 * import { connect } from "@hiqlite/hiqlite/client";
 *
 * // A member that serves its API; usually it runs elsewhere.
 * await using member = await open({ dataDir: "data/served" });
 * const secret = "0123456789abcdef";
 * await using server = Deno.serve(
 *   { hostname: "127.0.0.1", port: 0 },
 *   apiHandler(member.member, { secretApi: secret }),
 * );
 *
 * await using db = connect({ urls: [`127.0.0.1:${server.addr.port}`], secret });
 * await db.execute("CREATE TABLE note (text TEXT)");
 * await db.execute("INSERT INTO note VALUES (?)", ["hello"]);
 * console.log(await db.query("SELECT text FROM note"));
 * ```
 *
 * @module
 */
import { HiqliteClient } from "./hiqlite_client.ts";
import { HiqliteError } from "../errors.ts";
import { HttpTransport } from "./http_transport.ts";
import { trustedFetch } from "./trust.ts";

export type * from "./client.ts";
export {
  AtomicBatch,
  type AtomicResult,
  type OperationOptions,
} from "./cache/atomic.ts";
export type { BackupOptions } from "./backups.ts";
export type {
  BackupCheck,
  BackupContents,
  BackupPlace,
  BackupRecord,
} from "../state/backups/types.ts";
export { Cache } from "./cache/cache.ts";
export { PreconditionError } from "./cache/precondition_error.ts";
export type * from "./cache/types.ts";
export { Election } from "./locks/election.ts";
export { Lock } from "./locks/lock.ts";
export type * from "./locks/types.ts";
export type { LockFence } from "../state/locks/types.ts";
export type { LockState } from "../node/lock_port.ts";
export type * from "./schema.ts";
export {
  type Durations,
  MEMBER_EVENT_KINDS,
  type MemberEvent,
  type MemberEventKind,
  type MemberEvents,
  type MemberEventsRequest,
  type MemberReport,
  type MemberSeries,
  type MemberSight,
  type PeerSight,
  type Series,
  SERIES_COLUMNS,
  type SeriesColumn,
  type SeriesRequest,
  type SnapshotActivity,
} from "../node/telemetry_port.ts";
export { TopicStream } from "./topics/topic_stream.ts";
export type * from "./topics/types.ts";
export type { ErrorCode } from "../errors.ts";
export { HiqliteError, OutcomeUnknownError } from "../errors.ts";
export { BoundSql, PreparedSql } from "./prepared_sql.ts";
export {
  type CreatedToken,
  type TokenInfo,
  type TokenOptions,
  Tokens,
} from "./tokens.ts";
export type { Scope } from "../state/tokens/types.ts";
export { ref } from "./reference.ts";
export { StatementError } from "./statement_error.ts";

/** How to reach a cluster. */
export interface ConnectOptions {
  /** API addresses of some or all members: `host:port` or `http(s)://host:port`. The first is https if `ca` or `dangerTlsNoVerify` is given. */
  readonly urls: readonly string[];
  /** The API secret, or a token. */
  readonly secret: string;
  /** Longest wait for an answer, retries included, ms. @default {15_000} */
  readonly timeoutMs?: number;
  /**
   * A member that keeps us waiting is asked for a sign of life this often; one
   * that gives none is left, ms. @default {2_000}
   */
  readonly probeMs?: number;
  /** What others read of this client where it holds locks, at most 256 bytes of UTF-8. @default a name drawn at random */
  readonly owner?: string;
  /**
   * Authorities in PEM that are believed beside the public ones, in Deno, Node and Bun.
   * Nothing is sent to a member that is not verified.
   * @default the authority of the API secret, which issues automatic certificates
   */
  readonly ca?: string | undefined;
  /** Verify no certificate: whoever answers gets the secret. A warning is printed. In Deno, Node and Bun. @default {false} */
  readonly dangerTlsNoVerify?: boolean | undefined;
  /** In place of the global `fetch`; then `ca` and `dangerTlsNoVerify` are its own matter. */
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
export class RemoteClient extends HiqliteClient {
  /** See {@linkcode connect}. */
  constructor(options: ConnectOptions) {
    const { ca, dangerTlsNoVerify } = options;
    const tls = ca !== undefined || dangerTlsNoVerify === true;
    const urls = urlsOf(options.urls, tls ? "https" : "http");
    const secret = secretOf(options.secret);
    const trusted = options.fetch === undefined
      ? trustedFetch({ urls, secret, ca, dangerTlsNoVerify })
      : { fetch: options.fetch, close() {} };
    super(
      new HttpTransport({
        urls,
        secret,
        fetch: trusted.fetch,
        release: () => trusted.close(),
        probeMs: options.probeMs ?? 2000,
        timeoutMs: options.timeoutMs ?? 15_000,
      }),
      options.owner ?? `client ${crypto.randomUUID().slice(0, 8)}`,
    );
  }
}

function urlsOf(addresses: readonly string[], scheme: string): string[] {
  if (Array.isArray(addresses) && addresses.length > 0) {
    return addresses.map((address) => baseUrl(address, scheme));
  }
  throw new HiqliteError("invalid", "urls: expected at least one address");
}

function secretOf(secret: string): string {
  if (/^[\x21-\x7e]+$/.test(secret)) return secret;
  throw new HiqliteError(
    "invalid",
    "secret: expected printable ASCII without spaces",
  );
}

function baseUrl(address: string, scheme: string): string {
  const text = /^https?:\/\//i.test(address)
    ? address
    : `${scheme}://${address}`;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username !== "" || url.search !== "") {
    throw new HiqliteError(
      "invalid",
      `urls: expected host:port or http(s)://host:port, got "${address}"`,
    );
  }
  return url.href.replace(/\/+$/, "");
}
