import { ConfigError } from "../errors.ts";
import { type Setting, setting } from "./setting.ts";
import type { NodeConfig } from "./types.ts";
import { integer, text, type ValueType } from "./value.ts";

/** The keys of who may ask the API how much, and from where. */
export type ApiField =
  | "corsOrigins"
  | Extract<keyof NodeConfig, `rate${string}`>;

/** Nobody asks a member for more in a second. */
const REQUESTS_MAX = 1_000_000;

/** The keys of the API, in the order of the generated file. */
export const API_SETTINGS: {
  readonly [F in ApiField]: Setting<NodeConfig[F]>;
} = {
  rateLimitDbRps: rate(
    "rate_limit_db_rps",
    "HQL_RL_DB_RPS",
    "Writes and linearizable reads of the database, locks and topics that each credential (`secret_api`, or a token) may ask this member's API for in a second; more are answered 429. 0: any number.",
  ),
  rateLimitDbBurst: rate(
    "rate_limit_db_burst",
    "HQL_RL_DB_BURST",
    "How many of them may come at once after a pause. 0: `rate_limit_db_rps`.",
  ),
  rateLimitCacheRps: rate(
    "rate_limit_cache_rps",
    "HQL_RL_CACHE_RPS",
    "As `rate_limit_db_rps`, of the caches.",
  ),
  rateLimitCacheBurst: rate(
    "rate_limit_cache_burst",
    "HQL_RL_CACHE_BURST",
    "As `rate_limit_db_burst`, of the caches.",
  ),
  corsOrigins: setting(
    "cors_origins",
    "HQL_CORS_ORIGINS",
    origins(),
    [],
    "Origins such as `https://app.example.com`, separated by commas, whose pages may use the API from a browser; `*`: all.",
    "none",
  ),
};

/** Refuses a burst of what has no limit. @throws {ConfigError} naming the burst's key. */
export function checkRates(config: Pick<NodeConfig, ApiField>): void {
  for (
    const [group, rps, burst] of [
      ["db", config.rateLimitDbRps, config.rateLimitDbBurst],
      ["cache", config.rateLimitCacheRps, config.rateLimitCacheBurst],
    ] as const
  ) {
    if (rps > 0 || burst === 0) continue;
    throw new ConfigError(
      `rate_limit_${group}_burst`,
      `is ${burst} and rate_limit_${group}_rps is not set; a burst is of a limit`,
    );
  }
}

function rate(toml: string, env: string, about: string): Setting<number> {
  return setting(toml, env, integer(0, REQUESTS_MAX), 0, about);
}

function origins(): ValueType<readonly string[]> {
  const list = text(
    "* or a list of origins such as https://app.example.com, without a path",
    (value) => originList(value.split(",")),
  );
  const fromToml = (value: unknown): readonly string[] | undefined =>
    Array.isArray(value) && value.every((one) => typeof one === "string")
      ? originList(value)
      : list.fromToml(value);
  return { ...list, fromToml };
}

function originList(values: readonly string[]): readonly string[] | undefined {
  const given = values.map((one) => one.trim()).filter((one) => one !== "");
  return given.every((one) => one === "*" || isOrigin(one)) ? given : undefined;
}

/** As browsers spell one: what is spelled otherwise would match none. */
function isOrigin(value: string): boolean {
  return URL.canParse(value) && /^https?:/.test(value) &&
    new URL(value).origin === value;
}
