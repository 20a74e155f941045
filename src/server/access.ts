import type { Context } from "@hono/hono";
import { HiqliteError } from "../errors.ts";
import { type ApiToken, type Scope, SCOPES } from "../state/tokens/types.ts";

/** What the caller of a request may do. */
export interface Access {
  readonly scope: Scope;
  /** The only caches it is for, and then for nothing else; null: everything of its scope. */
  readonly caches: readonly string[] | null;
  /** The token that says so; null for the API secret. */
  readonly token: ApiToken | null;
}

/** Where a request's context keeps it. */
const KEY = "access";

/** Lets a request be answered with what its caller may do. */
export function setAccess(context: Context, access: Access): void {
  context.set(KEY, access);
}

/** What the caller of a request below `/api/` may do. */
export function accessOf(context: Context): Access {
  return context.get(KEY);
}

/** What the API secret allows. */
export const FULL_ACCESS: Access = {
  scope: "admin",
  caches: null,
  token: null,
};

/** What a token allows. */
export function accessOfToken(token: ApiToken): Access {
  const { scope, caches } = token;
  return { scope, caches, token };
}

/**
 * Whether a route may be used at all.
 * @throws {HiqliteError} `forbidden`
 */
export function checkScope(
  access: Access,
  route: { readonly scope: Scope; readonly ofCaches: boolean },
): void {
  if (SCOPES.indexOf(access.scope) < SCOPES.indexOf(route.scope)) {
    throw new HiqliteError(
      "forbidden",
      `The token has the scope ${access.scope}, this needs ${route.scope}`,
    );
  }
  if (access.caches === null || route.ofCaches) return;
  throw new HiqliteError(
    "forbidden",
    `The token is for ${listed(access.caches)} alone, and this is for more`,
  );
}

/**
 * Whether these caches may be touched.
 * @throws {HiqliteError} `forbidden`
 */
export function checkCaches(access: Access, names: readonly string[]): void {
  const { caches } = access;
  if (caches === null) return;
  const other = names.find((name) => !caches.includes(name));
  if (other === undefined) return;
  throw new HiqliteError(
    "forbidden",
    `The token is for ${listed(caches)} alone, not for ${
      JSON.stringify(other.slice(0, 64))
    }`,
  );
}

function listed(caches: readonly string[]): string {
  return `the cache${caches.length === 1 ? "" : "s"} ${caches.join(", ")}`;
}
