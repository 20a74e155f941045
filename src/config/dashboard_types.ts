/** What a configuration says of the dashboard. */
export interface DashboardConfig {
  /** The base64 of an argon2id hash, as Hiqlite writes it; empty: nobody signs in with a password. @default {""} */
  readonly passwordDashboard: string;
  /** As passwordDashboard, for who may only look. @default {""} */
  readonly passwordDashboardViewer: string;
  /** Let browsers send the session's cookie over connections that are not encrypted. @default {false} */
  readonly insecureCookie: boolean;
}
