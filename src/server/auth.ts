import { createHash, timingSafeEqual } from "node:crypto";
import { TOKEN_TEXT } from "../api/token_text.ts";
import { HiqliteError } from "../errors.ts";
import type { Member } from "../node/port.ts";
import type { ApiToken } from "../state/tokens/types.ts";
import { type Clock, systemClock } from "../util/clock.ts";
import { type Access, accessOfToken, FULL_ACCESS } from "./access.ts";
import type { FailedLogins, LoginFailure } from "./failed_logins.ts";

/** What tells who may do what. */
export interface AuthenticationOptions {
  /** Every API secret that is accepted. */
  readonly secrets: readonly string[];
  /** Knows the tokens. */
  readonly member: Pick<Member, "tokens" | "ready">;
  readonly failed: FailedLogins;
  /** @default the machine's */
  readonly clock?: Pick<Clock, "wall">;
}

/** Who asks, or why nobody knows. */
type Judgement = Access | LoginFailure;

/**
 * Finds out what a request may do, by the API secret or a token, given as `X-API-SECRET` or
 * `Authorization: Bearer`. Takes the same time for every wrong one: both sides are hashed first.
 */
export class Authentication {
  readonly #secrets: readonly Uint8Array[];
  readonly #member: AuthenticationOptions["member"];
  readonly #failed: FailedLogins;
  readonly #clock: Pick<Clock, "wall">;

  /** Of one application. */
  constructor(
    { secrets, member, failed, clock = systemClock }: AuthenticationOptions,
  ) {
    this.#secrets = secrets.map(digestOf);
    this.#member = member;
    this.#failed = failed;
    this.#clock = clock;
  }

  /**
   * What a request with these headers may do.
   * @throws {HiqliteError} `unauthorized`, after a while; `overloaded` if many wait for that; `no_leader` if this member is behind, and may not know a token yet.
   */
  async access(headers: Headers): Promise<Access> {
    const given = headers.get("x-api-secret") ??
      /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    if (given === undefined) {
      this.#failed.note("missing");
      throw new HiqliteError(
        "unauthorized",
        "The API secret or a token is missing; send it in the header X-API-SECRET, or as Authorization: Bearer",
      );
    }
    const verdict = this.#judge(given);
    if (typeof verdict !== "string") return verdict;
    this.#failed.note(verdict);
    await this.#failed.slow();
    // A token that was made a moment ago at another member may have arrived meanwhile.
    const again = this.#judge(given);
    if (typeof again !== "string") return again;
    if (again === "unknown token") this.#throwIfBehind();
    throw refusal(again);
  }

  /** Why a token that was good is none any more; null if it is still, or this member cannot tell. */
  whyEnded(token: ApiToken): HiqliteError | null {
    try {
      const verdict = this.#judgeToken(token.id, token.digest);
      if (typeof verdict !== "string") return null;
      if (verdict === "unknown token") this.#throwIfBehind();
      return refusal(verdict);
    } catch {
      // The member stops, or is behind: what lasts ends or goes on with it.
      return null;
    }
  }

  #judge(given: string): Judgement {
    const digest = digestOf(given);
    let known = false;
    for (const secret of this.#secrets) {
      if (timingSafeEqual(digest, secret)) known = true;
    }
    if (known) return FULL_ACCESS;
    const [, id] = TOKEN_TEXT.exec(given) ?? [];
    return id === undefined ? "wrong secret" : this.#judgeToken(id, digest);
  }

  #judgeToken(id: string, digest: Uint8Array): Judgement {
    const token = this.#member.tokens.find(id);
    if (token === undefined) return "unknown token";
    if (!timingSafeEqual(digest, token.digest)) return "wrong token";
    const { expiresMs } = token;
    return expiresMs !== null && expiresMs <= this.#clock.wall()
      ? "expired token"
      : accessOfToken(token);
  }

  /** A member that has not caught up knows neither what was made nor what was taken back. */
  #throwIfBehind(): void {
    const { ok, detail } = this.#member.ready();
    if (ok) return;
    throw new HiqliteError(
      "no_leader",
      `This member does not know the token and may be behind (${detail}): ask another one`,
    );
  }
}

function refusal(kind: LoginFailure): HiqliteError {
  switch (kind) {
    case "unknown token":
      return unauthorized("There is no such token; it may have been revoked");
    case "expired token":
      return unauthorized("The token has expired");
    default:
      return unauthorized("The API secret or the token is wrong");
  }
}

function unauthorized(message: string): HiqliteError {
  return new HiqliteError("unauthorized", message);
}

function digestOf(text: string): Uint8Array {
  return createHash("sha256").update(text, "utf8").digest();
}
