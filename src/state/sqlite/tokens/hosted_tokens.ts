import { timingSafeEqual } from "node:crypto";
import {
  type ApiToken,
  type Scope,
  TOKEN_LIMITS,
  type TokenAnswer,
  type TokenOperation,
  type TokenWish,
} from "../../tokens/types.ts";
import {
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteRow,
  type SqliteStatement,
} from "../driver/driver.ts";

/** The tokens in the writer: all of them in memory, and their table within the transaction that is open. */
export class HostedTokens {
  readonly #insert: SqliteStatement;
  readonly #delete: SqliteStatement;
  /** By id, as of what is committed. */
  #committed: readonly ApiToken[];
  /** With what the open transaction did. */
  #tokens: readonly ApiToken[];

  /** In a database that has the table of `schema.ts`. */
  constructor(connection: SqliteConnection) {
    this.#insert = connection.prepare(
      "INSERT INTO main._hql_tokens VALUES (?, ?, ?, ?, ?, ?, ?)",
    )!;
    this.#delete = connection.prepare(
      "DELETE FROM main._hql_tokens WHERE id = ?",
    )!;
    this.#committed = connection.prepare(
      "SELECT id, digest, name, scope, caches, expires, created FROM main._hql_tokens ORDER BY id",
    )!.all(NO_BINDINGS).map(tokenOf);
    this.#tokens = this.#committed;
  }

  /** By id, as of what is committed; another list once one of them is another. */
  get committed(): readonly ApiToken[] {
    return this.#committed;
  }

  /** Does what an entry of this wall time asks. */
  run(operation: TokenOperation, timeMs: number): TokenAnswer {
    return operation.kind === "create"
      ? this.#create(operation.wish, timeMs)
      : this.#revoke(operation.id);
  }

  /** The transaction was committed. */
  commit(): void {
    this.#committed = this.#tokens;
  }

  /** The transaction was rolled back. */
  undo(): void {
    this.#tokens = this.#committed;
  }

  #create(wish: TokenWish, createdMs: number): TokenAnswer {
    const known = this.#tokens.find(({ id }) => id === wish.id);
    if (known !== undefined) {
      return isSame(known, wish)
        ? { kind: "created", createdMs: known.createdMs }
        : { kind: "taken" };
    }
    if (this.#tokens.length >= TOKEN_LIMITS.tokens) return { kind: "full" };
    const { id, digest, name, scope, caches, expiresMs } = wish;
    this.#insert.run({
      anonymous: [
        id,
        digest,
        name,
        scope,
        caches === null ? null : JSON.stringify(caches),
        expiresMs === null ? null : BigInt(expiresMs),
        BigInt(createdMs),
      ],
      named: null,
    });
    // What was decoded lies in bytes that may be used again.
    const token = { ...wish, digest: digest.slice(), createdMs };
    this.#tokens = [...this.#tokens, token].sort(byId);
    return { kind: "created", createdMs };
  }

  #revoke(id: string): TokenAnswer {
    const left = this.#tokens.filter((token) => token.id !== id);
    const found = left.length < this.#tokens.length;
    if (!found) return { kind: "revoked", found };
    this.#delete.run({ anonymous: [id], named: null });
    this.#tokens = left;
    return { kind: "revoked", found };
  }
}

/** Whether a wish that comes again is for what is there. */
function isSame(known: ApiToken, wish: TokenWish): boolean {
  return timingSafeEqual(known.digest, wish.digest) &&
    known.name === wish.name && known.scope === wish.scope &&
    known.expiresMs === wish.expiresMs &&
    JSON.stringify(known.caches) === JSON.stringify(wish.caches);
}

/** As SQLite orders them: they are ASCII. */
function byId(a: ApiToken, b: ApiToken): number {
  return a.id < b.id ? -1 : 1;
}

function tokenOf(row: SqliteRow): ApiToken {
  const [id, digest, name, scope, caches, expires, created] = row;
  return {
    id: id as string,
    digest: digest as Uint8Array,
    name: name as string,
    scope: scope as Scope,
    caches: caches === null ? null : JSON.parse(caches as string),
    expiresMs: expires as number | null,
    createdMs: created as number,
  };
}
