import type { DashboardRole } from "./routes.ts";

/** The body of `POST session`: one of them. */
export type JsonLogin =
  | { readonly password: string }
  /** What stands behind `#login=` in a link that works once, for 60 s. */
  | { readonly link: string };

/** Who is signed in: the answer of `GET session` and of `POST session`. Status 200 also when nobody is. */
export interface JsonSession {
  /** Null: nobody is; then the times are null, too. */
  readonly role: DashboardRole | null;
  /** The session ends then unless the page asks something meanwhile, ms since 1970. */
  readonly idle_until_ms: number | null;
  /** It ends then in any case, ms since 1970. */
  readonly ends_ms: number | null;
  /** Of the server, ms since 1970: clocks differ. */
  readonly now_ms: number;
  /** Null unless signed in. */
  readonly cluster_id: string | null;
  /** The node that answers. */
  readonly node_id: number;
  readonly version: string;
  /** The connection is not encrypted and not of this machine. */
  readonly insecure: boolean;
  /** A password can be given here; without one only a link signs in. */
  readonly password_login: boolean;
  readonly features: {
    readonly caches: boolean;
    /** Somebody may sign in who can only look. */
    readonly viewer: boolean;
  };
}

/** The body of a refused login: `error.code` is `unauthorized`, or `overloaded` while others are checked. */
export interface JsonLoginRefusal {
  readonly error: { readonly code: string; readonly message: string };
  /** Not before so long another attempt is looked at, ms. */
  readonly retry_after_ms: number;
}
