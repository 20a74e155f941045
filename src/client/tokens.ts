import {
  TOKEN_CREATE,
  TOKEN_LIST,
  TOKEN_REVOKE,
} from "../api/routes/tokens.ts";
import { drawToken } from "../api/token_text.ts";
import type { LogIndex } from "../raft/types.ts";
import type { ApiToken, Scope } from "../state/tokens/types.ts";
import type { CallOptions, WriteOptions } from "./call_options.ts";
import {
  CALL_OPTIONS,
  checked,
  TOKEN_OPTIONS,
  WRITE_OPTIONS,
  wrong,
} from "./options.ts";
import type { Transport } from "./transport.ts";

/** What a token shall be. */
export interface TokenOptions {
  /** For people, 1 to 128 characters. Several may have one name. */
  readonly name: string;
  /** `read`, `write` or `admin`, each with all before it. */
  readonly scope: Scope;
  /** The only caches it is for, 1 to 32, and then for nothing else. Not with `admin`. @default everything of its scope */
  readonly caches?: readonly string[];
  /** From when on it is refused, by the clock of the member that is asked. @default never */
  readonly expiresAt?: Date;
}

/** A token that was made. */
export interface CreatedToken {
  /** Finds it in lists and revokes it; no secret. */
  readonly id: string;
  /** The secret, `hqt_…`: it is shown here and never again. */
  readonly token: string;
  /** When it was made. */
  readonly createdAt: Date;
  /** Its place in the log. */
  readonly index: LogIndex;
}

/** A token without its secret. */
export interface TokenInfo {
  /** Finds it. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** What it is good for. */
  readonly scope: Scope;
  /** The only caches it is for; null: everything of its scope. */
  readonly caches: readonly string[] | null;
  /** When it was made. */
  readonly createdAt: Date;
  /** From when on it is refused; null: never. */
  readonly expiresAt: Date | null;
}

/** The tokens of the API: passwords for a part of it, beside the API secret. Needs the secret, or a token with the scope `admin`. */
export class Tokens {
  readonly #transport: Transport;

  /** Speaks over `transport`. */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Makes a token. The secret is drawn here, and only its SHA-256 is sent.
   * @throws {HiqliteError} `invalid`, `conflict` (there are 1,000), `forbidden`, `no_leader`; `outcome_unknown`.
   */
  async create(
    wanted: TokenOptions,
    options: WriteOptions = {},
  ): Promise<CreatedToken> {
    const { name, scope, caches, expiresAt } = checked(wanted, TOKEN_OPTIONS);
    const { timeoutMs, idempotencyKey } = checked(options, WRITE_OPTIONS);
    const { id, digest, token } = await drawToken();
    const { createdMs, index } = await this.#transport.call(TOKEN_CREATE, {
      wish: {
        id,
        digest,
        name,
        scope,
        caches: caches ?? null,
        expiresMs: expiresAt === undefined ? null : timeOf(expiresAt),
      },
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    }, options);
    return { id, token, createdAt: new Date(createdMs), index };
  }

  /** All tokens by id, expired ones, too. @throws {HiqliteError} `forbidden`, `no_leader`, `timeout`. */
  async list(options: CallOptions = {}): Promise<readonly TokenInfo[]> {
    const { tokens } = await this.#transport.call(
      TOKEN_LIST,
      undefined,
      checked(options, CALL_OPTIONS),
    );
    return tokens.map(infoOf);
  }

  /**
   * Takes a token back: within a second every member refuses it; streams that it opened end soon after. False if there is none.
   * @throws {HiqliteError} `invalid`, `forbidden`, `no_leader`; `outcome_unknown`.
   */
  async revoke(id: string, options: CallOptions = {}): Promise<boolean> {
    const { timeoutMs } = checked(options, CALL_OPTIONS);
    const { found } = await this.#transport.call(TOKEN_REVOKE, {
      id,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    }, options);
    return found;
  }
}

function timeOf(date: Date): number {
  const time = date instanceof Date ? date.getTime() : NaN;
  if (Number.isFinite(time)) return time;
  throw wrong("expiresAt", "a Date", date);
}

function infoOf(
  { createdMs, expiresMs, ...rest }: Omit<ApiToken, "digest">,
): TokenInfo {
  return {
    ...rest,
    createdAt: new Date(createdMs),
    expiresAt: expiresMs === null ? null : new Date(expiresMs),
  };
}
