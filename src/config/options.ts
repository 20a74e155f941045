import type { EncryptionKey } from "../backup/key_ring.ts";
import { ConfigError } from "../errors.ts";
import type { LogSync, NodeConfig } from "./types.ts";
import { keptSecret } from "./secrets.ts";
import type { RawSetting } from "./sources.ts";
import { resolveSettings } from "./resolve.ts";
import type { Setting } from "./setting.ts";
import { SETTINGS } from "./settings.ts";

/**
 * A member's configuration in code. Names, defaults and checks are those of the
 * configuration file; see {@linkcode NodeConfig}.
 *
 * Without `nodes` it is a single member; without secrets such a member
 * makes its own and keeps them in `dataDir`.
 */
export interface NodeOptions extends
  Partial<
    Omit<
      NodeConfig,
      "logSync" | "cacheLogSync" | "encKeys" | "backupLogInterval"
    >
  > {
  /** As an object, or as in the file: `immediate`, `immediate_async`, `interval_200`. */
  readonly logSync?: LogSync | string;
  /** As `logSync`. */
  readonly cacheLogSync?: LogSync | string;
  /** As objects, or as in the file: lines of `<id>/<32 bytes in base64>`. */
  readonly encKeys?: readonly EncryptionKey[] | readonly string[] | string;
  /** Milliseconds, or as in the file: `10s`. */
  readonly backupLogInterval?: number | string;
}

/** The configuration of options. @throws {ConfigError} naming the option. */
export function configOf(options: NodeOptions): NodeConfig {
  const settings = new Map<string, RawSetting>();
  for (const [field, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const name = tomlNameOf(field);
    settings.set(name, {
      key: field,
      kind: "toml",
      secret: isSecret(field),
      value: rawOf(field, value),
    });
  }
  return resolveSettings(settings, { generateSecret: keptSecret }).config;
}

function tomlNameOf(field: string): string {
  if (field === "nodeId") return "node_id";
  if (field === "nodes") return "nodes";
  if (Object.hasOwn(SETTINGS, field)) {
    return (SETTINGS as Record<string, Setting<unknown>>)[field]!.toml;
  }
  throw new ConfigError(field, "unknown option");
}

function isSecret(field: string): boolean {
  const { secret } =
    (SETTINGS as Record<string, Setting<unknown> | undefined>)[field] ?? {};
  return secret === true;
}

/** An option's value as the configuration file would say it. */
function rawOf(field: string, value: unknown): unknown {
  if (field === "nodes" && Array.isArray(value)) {
    return value.map(({ id, raft, api }) => `${id} ${raft} ${api}`);
  }
  const isSync = field === "logSync" || field === "cacheLogSync";
  if (isSync && typeof value === "object") {
    const sync = value as LogSync;
    return sync.mode === "interval" ? `interval_${sync.ms}` : sync.mode;
  }
  if (field === "encKeys" && Array.isArray(value)) return value.map(keyLine);
  if (field === "backupLogInterval" && typeof value === "number") {
    return value === 0 ? 0 : `${value}ms`;
  }
  return value;
}

function keyLine(key: EncryptionKey | string): string {
  return typeof key === "string" ? key : `${key.id}/${key.key.toBase64()}`;
}
