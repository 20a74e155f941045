import { HiqliteError } from "../../errors.ts";
import type { LogIndex } from "../../raft/types.ts";
import type { SqlMachine } from "../../state/sql/port.ts";
import { writeCommand } from "../../state/sql/command.ts";
import { decodeTokenAnswer } from "../../state/tokens/codec.ts";
import {
  type ApiToken,
  TOKEN_LIMITS,
  type TokenAnswer,
  type TokenOperation,
} from "../../state/tokens/types.ts";
import { validateTokenOperation } from "../../state/tokens/validate.ts";
import type { Proposer } from "../groups/proposer.ts";
import type {
  MemberTokens,
  TokenCreateAnswer,
  TokenCreateRequest,
  TokenListAnswer,
  TokenRevokeAnswer,
  TokenRevokeRequest,
} from "../token_port.ts";
import { Freshness, type FreshnessPorts } from "./freshness.ts";

/** An operation that a leader took may need this long, ms. */
const TIMEOUT_MS = 120_000;
/** How long a list may wait until it is fresh, ms. */
const LIST_MS = 30_000;

/** What the tokens need from their node. */
export interface KnownTokensPorts extends FreshnessPorts {
  readonly proposer: Proposer;
  machine(): Pick<SqlMachine, "tokens" | "applied">;
}

/** The tokens of a member: changed through the log, known from what is applied. */
export class KnownTokens implements MemberTokens {
  readonly #ports: KnownTokensPorts;
  readonly #freshness: Freshness;
  /** What {@linkcode find} looks in, and what it was made of. */
  #known: readonly ApiToken[] = [];
  #byId = new Map<string, ApiToken>();

  /** Proposes and reads through `ports`. */
  constructor(ports: KnownTokensPorts) {
    this.#ports = ports;
    this.#freshness = new Freshness(ports);
  }

  /** See {@linkcode MemberTokens.create}. */
  async create(request: TokenCreateRequest): Promise<TokenCreateAnswer> {
    const { wish } = request;
    const { index, answer } = await this.#change(
      { kind: "create", wish },
      request,
    );
    switch (answer.kind) {
      case "created":
        return { createdMs: answer.createdMs, index };
      case "full":
        throw new HiqliteError(
          "conflict",
          `There are ${TOKEN_LIMITS.tokens} tokens, the most there can be, expired ones with them: revoke some`,
        );
      default:
        throw new HiqliteError(
          "conflict",
          `Another token has the id ${wish.id}: draw another one`,
        );
    }
  }

  /** See {@linkcode MemberTokens.revoke}. */
  async revoke(request: TokenRevokeRequest): Promise<TokenRevokeAnswer> {
    const { id } = request;
    const { index, answer } = await this.#change(
      { kind: "revoke", id },
      request,
    );
    return { found: answer.kind === "revoked" && answer.found, index };
  }

  /** See {@linkcode MemberTokens.list}. */
  async list(): Promise<TokenListAnswer> {
    const deadline = this.#ports.clock.monotonic() + LIST_MS;
    const wanted = await this.#freshness.readIndex(deadline);
    await this.#applied(wanted, deadline);
    const { tokens, applied } = this.#ports.machine();
    return {
      tokens: tokens.map(({ digest: _, ...token }) => token),
      index: applied.index,
    };
  }

  /** See {@linkcode MemberTokens.find}. */
  find(id: string): ApiToken | undefined {
    const { tokens } = this.#ports.machine();
    if (tokens !== this.#known) {
      this.#known = tokens;
      this.#byId = new Map(tokens.map((token) => [token.id, token]));
    }
    return this.#byId.get(id);
  }

  /** Replicates it, and waits until it is applied here, too. */
  async #change(
    operation: TokenOperation,
    { timeoutMs = TIMEOUT_MS, idempotencyKey = "" }: {
      readonly timeoutMs?: number;
      readonly idempotencyKey?: string;
    },
  ): Promise<{ index: LogIndex; answer: TokenAnswer }> {
    validateTokenOperation(operation);
    const deadline = this.#ports.clock.monotonic() + timeoutMs;
    const { index, refusal, body } = await this.#ports.proposer.propose({
      body: (writer) => writeCommand(writer, { kind: "token", operation }),
      idempotencyKey,
      timeoutMs,
    });
    if (refusal !== null) throw new HiqliteError(refusal.code, refusal.message);
    // It is done, whether this member hears of it in time or not.
    await this.#applied(index, deadline).catch(() => {});
    return { index, answer: decodeTokenAnswer(body) };
  }

  async #applied(index: LogIndex, deadline: number): Promise<void> {
    if (this.#ports.machine().applied.index >= index) return;
    await this.#freshness.applied(index, deadline);
  }
}
