import type { Clock } from "../../util/clock.ts";
import type { LoginLinks } from "./login_links.ts";
import type { DashboardPage } from "./page.ts";
import type { ShownSetting } from "../../config/shown_settings.ts";

/** How a member serves its dashboard. */
export interface DashboardOptions {
  /** The base64 of an argon2id hash, as Hiqlite writes it; empty: nobody signs in with a password. @default {""} */
  readonly password?: string;
  /** As `password`, for who may only look. @default {""} */
  readonly viewerPassword?: string;
  /** Let browsers send the session's cookie over connections that are not encrypted. @default {false} */
  readonly insecureCookie?: boolean;
  /** Where it is, without a slash at its end. @default {"/dashboard"} */
  readonly basePath?: string;
  /** Browsers reach it through TLS. @default {false} */
  readonly encrypted?: boolean;
  /** Its only names in a browser beside those of this machine, without ports: of a member that only this machine reaches. @default any */
  readonly hosts?: readonly string[];
  /** From where a request comes; empty if that is not known. @default nobody knows */
  readonly addressOf?: (request: Request) => string;
}

/** What a member's own dashboard is given beside its options. */
export interface DashboardWiring {
  /** By which sessions end. @default the machine's */
  readonly clock?: Clock;
  /** The page; null: it was not built. @default what was built */
  readonly page?: DashboardPage | null;
  /** Makes links that sign in. @default it makes its own */
  readonly links?: LoginLinks;
  /** The configuration as the page shows it. @default none */
  readonly settings?: readonly ShownSetting[];
}

/** Where the dashboard is unless somebody says otherwise. */
export const DASHBOARD_PATH = "/dashboard";
