import { ConfigError } from "../errors.ts";
import {
  isCheapToGuess,
  parsePasswordHash,
  PASSWORD_HASH_EXPECTS,
} from "../password/password_hash.ts";
import type { DashboardConfig } from "./dashboard_types.ts";
import { hidden, type Setting, setting } from "./setting.ts";
import { boolean, text } from "./value.ts";

/** The keys of the dashboard, in the order of the generated file. */
export const DASHBOARD_SETTINGS: {
  readonly [F in keyof DashboardConfig]: Setting<DashboardConfig[F]>;
} = {
  passwordDashboard: password(
    "password_dashboard",
    "HQL_PASSWORD_DASHBOARD",
    "Who signs in to the dashboard with this password may do everything. The base64 of an argon2id hash; `hiqlite password` makes it. Without it there is no dashboard but by the links of `hiqlite open`. The same on all members.",
  ),
  passwordDashboardViewer: password(
    "password_dashboard_viewer",
    "HQL_PASSWORD_DASHBOARD_VIEWER",
    "Who signs in with this password may look at everything and change nothing. As `password_dashboard`, which it needs beside it.",
  ),
  insecureCookie: setting(
    "insecure_cookie",
    "HQL_INSECURE_COOKIE",
    boolean(),
    false,
    "Let browsers sign in to the dashboard over connections that are not encrypted: who listens there takes the session over.",
  ),
};

/** What the passwords of a dashboard guard. */
interface Guarded extends DashboardConfig {
  /** Others than this machine may reach it. */
  readonly reachable: boolean;
}

/**
 * Checks what is said of the dashboard as a whole. `keyOf` is a key's name as its writer knows it.
 *
 * @throws {ConfigError} for a viewer's password alone, two that are the same, or a hash that is cheap to guess where others reach it.
 */
export function checkDashboard(
  config: Guarded,
  keyOf: (toml: string) => string,
): void {
  const { passwordDashboard, passwordDashboardViewer, reachable } = config;
  const { toml: viewer } = DASHBOARD_SETTINGS.passwordDashboardViewer;
  const { toml: admin, env } = DASHBOARD_SETTINGS.passwordDashboard;
  if (passwordDashboardViewer !== "") {
    if (passwordDashboard === "") {
      throw new ConfigError(
        admin,
        `is not set (environment: ${env}), but ${keyOf(viewer)} is`,
      );
    }
    if (passwordDashboardViewer === passwordDashboard) {
      throw new ConfigError(
        keyOf(viewer),
        `is the same as ${keyOf(admin)}: nobody could only look`,
      );
    }
  }
  if (!reachable) return;
  for (
    const [key, hash] of [
      [admin, passwordDashboard],
      [viewer, passwordDashboardViewer],
    ] as const
  ) {
    if (hash === "" || !isCheapToGuess(parsePasswordHash(hash)!)) continue;
    throw new ConfigError(
      keyOf(key),
      "is a hash that is cheap to guess passwords on: at least m=19456 and t=2 are needed where others reach the dashboard (hiqlite password makes one)",
    );
  }
}

/** What is weak about the passwords of a dashboard that only this machine reaches, as sentences. */
export function passwordWarnings(
  { passwordDashboard, passwordDashboardViewer }: DashboardConfig,
): string[] {
  const passwords = [
    ["password_dashboard", passwordDashboard],
    ["password_dashboard_viewer", passwordDashboardViewer],
  ] as const;
  return passwords
    .filter(([, hash]) =>
      hash !== "" && isCheapToGuess(parsePasswordHash(hash)!)
    )
    .map(([key]) =>
      `${key} is a hash that is cheap to guess passwords on: make another with hiqlite password before others can reach this member`
    );
}

function password(toml: string, env: string, about: string): Setting<string> {
  return hidden(setting(
    toml,
    env,
    text(
      PASSWORD_HASH_EXPECTS,
      (value) =>
        value === "" || parsePasswordHash(value) !== undefined
          ? value.replaceAll(/\s/g, "")
          : undefined,
    ),
    "",
    about,
    "none",
  ));
}
