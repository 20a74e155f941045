import type {
  TokenCreateAnswer,
  TokenCreateRequest,
  TokenListAnswer,
  TokenRevokeAnswer,
  TokenRevokeRequest,
} from "../../node/token_port.ts";
import {
  type ApiToken,
  type Scope,
  SCOPES,
  TOKEN_LIMITS,
} from "../../state/tokens/types.ts";
import {
  arrayField,
  type Fields,
  fieldsOf,
  integerField,
  textField,
  timeoutField,
} from "../fields.ts";
import { invalid } from "../json.ts";
import {
  arrayOf,
  BOOLEAN,
  INTEGER,
  type NamedSchemas,
  object,
  reference,
  TEXT,
} from "../json_schema.ts";
import type { MemberRoute } from "../route.ts";
import {
  digestOfHex,
  type DrawnToken,
  drawToken,
  hexOf,
} from "../token_text.ts";

const PATH = "/api/v1/tokens";

/** What a token is, beside its secret. */
const WISH_PROPERTIES: NamedSchemas = {
  name: {
    type: "string",
    minLength: 1,
    maxLength: TOKEN_LIMITS.nameChars,
    description: "For people; several may have one name.",
  },
  scope: {
    enum: SCOPES,
    description:
      "`read`: queries, watches, listening, status. `write`: also changes of data, caches, locks, events. `admin`: also members and tokens.",
  },
  caches: {
    ...arrayOf(TEXT),
    minItems: 1,
    maxItems: TOKEN_LIMITS.caches,
    description: "The only caches it is for, and then for nothing else.",
  },
  expires_at: {
    ...INTEGER,
    description:
      "From when on it is refused, ms since 1970, by the clock of the member that is asked.",
  },
};

/** Schemas of tokens. */
export const TOKEN_SCHEMAS: NamedSchemas = {
  Token: object({ id: TEXT, ...WISH_PROPERTIES, created_at: INTEGER }, [
    "id",
    "name",
    "scope",
    "created_at",
  ]),
};

/** A request for a token; without a digest the member draws the token. */
export type TokenCreateInput = Omit<TokenCreateRequest, "wish"> & {
  readonly wish:
    & Omit<TokenCreateRequest["wish"], "id" | "digest">
    & Partial<Pick<TokenCreateRequest["wish"], "id" | "digest">>;
};

/** The answer to it; `token` only if the member drew it, and never again. */
export type TokenCreateReply = TokenCreateAnswer & {
  readonly id: string;
  readonly token?: string;
};

/** `POST /api/v1/tokens` */
export const TOKEN_CREATE: MemberRoute<TokenCreateInput, TokenCreateReply> = {
  method: "POST",
  path: PATH,
  summary:
    "Make a token. The answer shows it, once; nothing but its SHA-256 is kept. Who draws it himself, `hqt_<id>_<32 random bytes in base64url>`, sends `id` and `sha256` instead, and may repeat the request.",
  scope: "admin",
  repeat: "keyed",
  request: {
    schema: object({
      ...WISH_PROPERTIES,
      id: { type: "string", pattern: "^[0-9a-f]{16}$" },
      sha256: { type: "string", pattern: "^[0-9a-f]{64}$" },
      timeout_ms: INTEGER,
    }, ["name", "scope"]),
    encode: ({ wish }, timeoutMs) => ({
      name: wish.name,
      scope: wish.scope,
      caches: wish.caches ?? undefined,
      expires_at: wish.expiresMs ?? undefined,
      id: wish.id,
      sha256: wish.digest && hexOf(wish.digest),
      timeout_ms: timeoutMs,
    }),
    decode: createFromJson,
  },
  reply: {
    format: "json",
    statuses: { 200: "It is there." },
    schema: object({
      id: TEXT,
      token: TEXT,
      created_at: INTEGER,
      index: reference("Index"),
    }, ["id", "created_at", "index"]),
    encode: ({ createdMs, ...rest }) => ({ ...rest, created_at: createdMs }),
    decode: (body) => {
      const { created_at: createdMs, ...rest } = body as
        & Omit<TokenCreateReply, "createdMs">
        & { readonly created_at: number };
      return { ...rest, createdMs };
    },
  },
  ask: async (member, { wish, ...rest }) => {
    const drawn = await drawnFor(wish);
    const { id, digest } = drawn;
    const answer = await member.tokens.create({
      ...rest,
      wish: { ...wish, id, digest },
    });
    const { token } = drawn;
    return { id, ...(token === undefined ? {} : { token }), ...answer };
  },
};

/** The token that was drawn, or one that is drawn now. @throws {HiqliteError} `invalid` */
async function drawnFor(
  { id, digest, expiresMs }: TokenCreateInput["wish"],
): Promise<Omit<DrawnToken, "token"> & Partial<DrawnToken>> {
  if (expiresMs !== null && expiresMs <= Date.now()) {
    throw invalid("expires_at", `is in the past, got ${expiresMs}`);
  }
  if (id !== undefined && digest !== undefined) return { id, digest };
  if (id === undefined && digest === undefined) return await drawToken();
  throw invalid("id", "and sha256 belong together");
}

/** `POST /api/v1/tokens/revoke` */
export const TOKEN_REVOKE: MemberRoute<TokenRevokeRequest, TokenRevokeAnswer> =
  {
    method: "POST",
    path: `${PATH}/revoke`,
    summary:
      "Take a token back. Members refuse it within a second; streams that it opened end soon after.",
    scope: "admin",
    repeat: "safe",
    request: {
      schema: object({ id: TEXT, timeout_ms: INTEGER }, ["id"]),
      encode: ({ id }, timeoutMs) => ({ id, timeout_ms: timeoutMs }),
      decode: (json) => {
        const fields = fieldsOf(json, ["id", "timeout_ms"]);
        return { id: textField(fields, "id"), ...timeoutField(fields) };
      },
    },
    reply: {
      format: "json",
      statuses: { 200: "Done, or there was no such token: `found`." },
      schema: object({ found: BOOLEAN, index: reference("Index") }),
      encode: (answer) => answer,
      decode: (body) => body as TokenRevokeAnswer,
    },
    ask: (member, request) => member.tokens.revoke(request),
  };

/** A token in JSON. */
interface JsonToken {
  readonly id: string;
  readonly name: string;
  readonly scope: Scope;
  readonly caches?: readonly string[];
  readonly created_at: number;
  readonly expires_at?: number;
}

/** `GET /api/v1/tokens` */
export const TOKEN_LIST: MemberRoute<void, TokenListAnswer> = {
  method: "GET",
  path: PATH,
  summary: "All tokens by id, expired ones, too, without their secrets.",
  scope: "admin",
  repeat: "safe",
  reply: {
    format: "json",
    statuses: { 200: "Done." },
    schema: object({
      tokens: arrayOf(reference("Token")),
      index: reference("Index"),
    }),
    encode: ({ tokens, index }) => ({ tokens: tokens.map(tokenToJson), index }),
    decode: (body) => {
      const { tokens, index } = body as {
        readonly tokens: readonly JsonToken[];
        readonly index: number;
      };
      return { tokens: tokens.map(tokenFromJson), index };
    },
  },
  ask: (member) => member.tokens.list(),
};

/** The routes of tokens. */
export const TOKEN_ROUTES = { TOKEN_CREATE, TOKEN_REVOKE, TOKEN_LIST };

function tokenToJson(
  { id, name, scope, caches, createdMs, expiresMs }: Omit<ApiToken, "digest">,
): JsonToken {
  return {
    id,
    name,
    scope,
    ...(caches === null ? {} : { caches }),
    created_at: createdMs,
    ...(expiresMs === null ? {} : { expires_at: expiresMs }),
  };
}

function tokenFromJson(
  { created_at, expires_at, caches, ...rest }: JsonToken,
): Omit<ApiToken, "digest"> {
  return {
    ...rest,
    caches: caches ?? null,
    createdMs: created_at,
    expiresMs: expires_at ?? null,
  };
}

function createFromJson(json: unknown): TokenCreateInput {
  const fields = fieldsOf(json, [
    ...Object.keys(WISH_PROPERTIES),
    "id",
    "sha256",
    "timeout_ms",
  ]);
  const max = Number.MAX_SAFE_INTEGER;
  const digest = digestField(fields);
  return {
    wish: {
      name: textField(fields, "name"),
      scope: textField(fields, "scope") as Scope,
      caches: fields.has("caches")
        ? arrayField(fields, "caches") as string[]
        : null,
      expiresMs: integerField(fields, "expires_at", 1, max) ?? null,
      ...(fields.has("id") ? { id: textField(fields, "id") } : {}),
      ...(digest === undefined ? {} : { digest }),
    },
    ...timeoutField(fields),
  };
}

function digestField(fields: Fields): Uint8Array | undefined {
  if (!fields.has("sha256")) return undefined;
  const digest = digestOfHex(textField(fields, "sha256"));
  if (digest !== undefined) return digest;
  throw invalid("sha256", "expected 64 hexadecimal digits in lower case");
}
