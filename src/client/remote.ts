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

export type * from "./client.ts";
export {
  AtomicBatch,
  type AtomicResult,
  type OperationOptions,
} from "./cache/atomic.ts";
export { Cache } from "./cache/cache.ts";
export { PreconditionError } from "./cache/precondition_error.ts";
export type * from "./cache/types.ts";
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
export class RemoteClient extends HiqliteClient {
  /** See {@linkcode connect}. */
  constructor(options: ConnectOptions) {
    super(
      new HttpTransport({
        urls: urlsOf(options.urls),
        secret: secretOf(options.secret),
        fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
        probeMs: options.probeMs ?? 2000,
        timeoutMs: options.timeoutMs ?? 15_000,
      }),
    );
  }
}

function urlsOf(addresses: readonly string[]): string[] {
  if (addresses.length > 0) return addresses.map(baseUrl);
  throw new HiqliteError("invalid", "urls: expected at least one address");
}

function secretOf(secret: string): string {
  if (/^[\x21-\x7e]+$/.test(secret)) return secret;
  throw new HiqliteError(
    "invalid",
    "secret: expected printable ASCII without spaces",
  );
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
