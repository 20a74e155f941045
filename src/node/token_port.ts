import type { LogIndex } from "../raft/types.ts";
import type { ApiToken, TokenWish } from "../state/tokens/types.ts";

/** A token to be made, as clients hand it to a member. Whoever asks has drawn the token, and tells its digest alone. */
export interface TokenCreateRequest {
  /** What it shall be. */
  readonly wish: TokenWish;
  /** A retry with the same key applies once; at most 128 bytes of UTF-8. */
  readonly idempotencyKey?: string;
  /** How long to wait for the answer, ms; a leader is looked for at most 10 s of it. @default {120_000} */
  readonly timeoutMs?: number;
}

/** A token that is there. */
export interface TokenCreateAnswer {
  /** When it was made, wall-clock ms since the Unix epoch. */
  readonly createdMs: number;
  /** Its place in the log. */
  readonly index: LogIndex;
}

/** A token to be taken back. */
export interface TokenRevokeRequest {
  /** Which. */
  readonly id: string;
  /** How long to wait for the answer, ms; a leader is looked for at most 10 s of it. @default {120_000} */
  readonly timeoutMs?: number;
}

/** What a revocation did. */
export interface TokenRevokeAnswer {
  /** Whether there was such a token. */
  readonly found: boolean;
  /** Its place in the log. */
  readonly index: LogIndex;
}

/** All tokens, by id. */
export interface TokenListAnswer {
  /** Expired ones, too; their digests are the member's own business. */
  readonly tokens: readonly Omit<ApiToken, "digest">[];
  /** The state that was read contains at least this index. */
  readonly index: LogIndex;
}

/** The tokens of the API, at a member. */
export interface MemberTokens {
  /**
   * Makes a token, which every member knows as soon as it has applied that.
   * @throws {HiqliteError} `invalid`, `conflict` (there are 1,000, or another one has this id), `overloaded`, `no_leader`: not made; `outcome_unknown`: perhaps made.
   */
  create(request: TokenCreateRequest): Promise<TokenCreateAnswer>;
  /**
   * Takes a token back: members refuse it as soon as they have applied that. May be repeated.
   * @throws {HiqliteError} `invalid`, `no_leader`: not done; `outcome_unknown`: perhaps done.
   */
  revoke(request: TokenRevokeRequest): Promise<TokenRevokeAnswer>;
  /** All tokens as acknowledged anywhere before. @throws {HiqliteError} `no_leader`, `timeout`. */
  list(): Promise<TokenListAnswer>;
  /** The token with this id as this member has applied it, without reading anything. */
  find(id: string): ApiToken | undefined;
}
