/**
 * What a caller of the API may do, each with all before it. `read`: queries, live queries, reads and watches of caches,
 * listening, status. `write`: also changes of data: SQL of any kind, caches, locks, events. `admin`: also members and
 * tokens, as with the API secret.
 */
export type Scope = "read" | "write" | "admin";

/** All of them, from the least on. */
export const SCOPES: readonly Scope[] = ["read", "write", "admin"];

/** Bounds that every member applies equally, since they decide answers. */
export const TOKEN_LIMITS = {
  /** Tokens of a cluster, expired ones with them. */
  tokens: 1_000,
  /** Characters of a token's name. */
  nameChars: 128,
  /** Caches that a token may be limited to. */
  caches: 32,
} as const;

/** Bytes of a digest: SHA-256. */
export const DIGEST_BYTES = 32;

/** How a token's id looks: it is no secret, and finds the token. */
export const TOKEN_ID = /^[0-9a-f]{16}$/;

/** A token to be made. */
export interface TokenWish {
  /** 16 hexadecimal digits, drawn at random. */
  readonly id: string;
  /** SHA-256 of the whole token; nothing else of it is kept anywhere. */
  readonly digest: Uint8Array;
  /** For people, 1 to 128 characters. Several may have one name. */
  readonly name: string;
  /** What it is good for. */
  readonly scope: Scope;
  /** The only caches it is for, 1 to 32, and then for nothing else; null: everything of its scope. */
  readonly caches: readonly string[] | null;
  /** From when on it is refused, wall-clock ms since the Unix epoch; null: never. */
  readonly expiresMs: number | null;
}

/** A token as a cluster knows it. */
export interface ApiToken extends TokenWish {
  /** When it was made, wall-clock ms since the Unix epoch. */
  readonly createdMs: number;
}

/** What an entry can ask of the tokens. */
export type TokenOperation =
  | { readonly kind: "create"; readonly wish: TokenWish }
  | { readonly kind: "revoke"; readonly id: string };

/** What an entry did to the tokens. */
export type TokenAnswer =
  /** It is there, made by this entry or, exactly so, before. */
  | { readonly kind: "created"; readonly createdMs: number }
  /** Another token has this id. */
  | { readonly kind: "taken" }
  /** There are as many tokens as there can be. */
  | { readonly kind: "full" }
  /** Whether there was one. */
  | { readonly kind: "revoked"; readonly found: boolean };
