import type {
  MemberTokens,
  TokenCreateAnswer,
  TokenCreateRequest,
  TokenListAnswer,
  TokenRevokeAnswer,
  TokenRevokeRequest,
} from "../../src/node/token_port.ts";
import type { ApiToken } from "../../src/state/tokens/types.ts";
import { validateTokenOperation } from "../../src/state/tokens/validate.ts";

/** Tokens in memory, of a member without a cluster. */
export class FakeTokens implements MemberTokens {
  readonly #tokens = new Map<string, ApiToken>();
  #index = 0;

  // deno-lint-ignore require-await
  async create({ wish }: TokenCreateRequest): Promise<TokenCreateAnswer> {
    validateTokenOperation({ kind: "create", wish });
    const createdMs = Date.now();
    this.#tokens.set(wish.id, { ...wish, createdMs });
    return { createdMs, index: ++this.#index };
  }

  // deno-lint-ignore require-await
  async revoke({ id }: TokenRevokeRequest): Promise<TokenRevokeAnswer> {
    validateTokenOperation({ kind: "revoke", id });
    return { found: this.#tokens.delete(id), index: ++this.#index };
  }

  // deno-lint-ignore require-await
  async list(): Promise<TokenListAnswer> {
    const tokens = [...this.#tokens.values()]
      .map(({ digest: _, ...token }) => token);
    return { tokens, index: this.#index };
  }

  find(id: string): ApiToken | undefined {
    return this.#tokens.get(id);
  }
}
