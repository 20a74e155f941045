import {
  checkNodes,
  isLoopback,
  parseHostPort,
  parseNodeLine,
} from "./address.ts";
import { checkRates } from "./api_settings.ts";
import { checkBackups } from "./backup_check.ts";
import { checkDashboard } from "./dashboard_settings.ts";
import { ConfigError } from "../errors.ts";
import type { NodeAddress, NodeConfig } from "./types.ts";
import { choice, integer, parseValue } from "./value.ts";
import type { Setting } from "./setting.ts";
import { type PlainField, SETTINGS } from "./settings.ts";
import { checkTls } from "./tls_settings.ts";
import { type RawSetting, type RawSources, readSources } from "./sources.ts";

/** What a configuration may ask of the machine. */
export interface Surroundings {
  /** The machine's name, asked for only by `node_id_from = "k8s"`. */
  readonly hostname?: () => string;
  /**
   * A secret for a single member on the loopback interface that was given
   * none; called at most once per secret. Without it such a start is refused.
   */
  readonly generateSecret?: (
    key: "secret_raft" | "secret_api",
    dataDir: string,
  ) => string;
  /** Unix milliseconds: a schedule must come true after it. @default now */
  readonly nowMs?: number;
}

/** A checked configuration and what its writer should know. */
export interface ResolvedConfig {
  readonly config: NodeConfig;
  /** Keys that were set and have no effect yet, as sentences for the log. */
  readonly notices: readonly string[];
  /** Secrets that were not chosen by the user. */
  readonly generated: readonly ("secret_raft" | "secret_api")[];
}

/** The nodes of a member that configures none. */
const DEFAULT_NODES: readonly NodeAddress[] = [
  { id: 1, raft: "127.0.0.1:8100", api: "127.0.0.1:8200" },
];

/** Where a configuration comes from; flags win over the environment, it wins over the file. */
export interface ConfigSources extends RawSources, Surroundings {}

/**
 * Resolves and checks a configuration. Reads nothing but what it is given.
 *
 * @throws {ConfigError} for unknown keys, unreadable values and contradictions; the message names the key.
 */
export function resolveConfig(sources: ConfigSources): ResolvedConfig {
  const { settings, notices } = readSources(sources);
  return { ...resolveSettings(settings, sources), notices };
}

/** Checks what was set, fills in the defaults and freezes it. @throws {ConfigError} */
export function resolveSettings(
  settings: ReadonlyMap<string, RawSetting>,
  surroundings: Surroundings,
): Omit<ResolvedConfig, "notices"> {
  const nodes = readNodes(settings);
  const nodeId = readNodeId(settings, nodes, surroundings.hostname);
  const own = nodes.find((node) => node.id === nodeId)!;
  const values = readPlain(settings);
  if (values.dataDir === ":memory:") {
    throw new ConfigError(
      settings.get("data_dir")!.key,
      '":memory:" is no folder: a member keeps its log and its database in files. For a test, give it a temporary folder (Deno.makeTempDir()) and remove that afterwards',
    );
  }

  const onThisMachine = nodes.every(onLoopback);
  const listenAddrRaft = values.listenAddrRaft ?? defaultListen(own.raft);
  const listenAddrApi = values.listenAddrApi ?? defaultListen(own.api);
  /** A member that others know by an IPv6 address listens there, and for IPv4 too where the system does both. */
  function defaultListen(address: string): string {
    const ipv6 = parseHostPort(address)!.host.includes(":");
    if (onThisMachine) return ipv6 ? "::1" : "127.0.0.1";
    return ipv6 ? "::" : "0.0.0.0";
  }

  const generated: ("secret_raft" | "secret_api")[] = [];
  const alone = nodes.length === 1 && isLoopback(listenAddrRaft) &&
    isLoopback(listenAddrApi);
  const secretOf = (
    field: "secretRaft" | "secretApi",
    key: "secret_raft" | "secret_api",
  ): string => {
    const chosen = values[field];
    if (chosen !== undefined) return chosen;
    if (alone && surroundings.generateSecret !== undefined) {
      generated.push(key);
      return surroundings.generateSecret(key, values.dataDir!);
    }
    throw new ConfigError(
      key,
      `is not set (environment: ${SETTINGS[field].env}); a member that ` +
        `${
          alone ? "is embedded" : "others can reach"
        } needs a secret you chose, at least 16 characters`,
    );
  };

  const config = Object.freeze({
    ...values,
    nodeId,
    nodes: Object.freeze(nodes.map((node) => Object.freeze(node))),
    listenAddrRaft,
    listenAddrApi,
    secretRaft: secretOf("secretRaft", "secret_raft"),
    secretApi: secretOf("secretApi", "secret_api"),
  }) as NodeConfig;
  checkTimings(config);
  checkTls(config);
  checkRates(config);
  const keyOf = (toml: string): string => settings.get(toml)?.key ?? toml;
  checkBackups(config, keyOf, surroundings.nowMs ?? Date.now());
  checkDashboard(
    { ...config, reachable: !isLoopback(config.listenAddrApi) },
    keyOf,
  );
  return { config, generated };
}

/** Reads every plain key or takes its default; keys whose defaults follow from others stay undefined. */
function readPlain(
  settings: ReadonlyMap<string, RawSetting>,
): { readonly [F in PlainField]?: NodeConfig[F] } {
  const values: Record<string, unknown> = {};
  for (
    const [field, setting] of Object.entries(SETTINGS) as [
      PlainField,
      Setting<unknown>,
    ][]
  ) {
    const raw = settings.get(setting.toml);
    const value = raw === undefined
      ? setting.fallback
      : parseValue(setting.type, raw.value, raw);
    if (value !== undefined) values[field] = value;
  }
  return values;
}

/** The members that are set. @throws {ConfigError} */
export function readNodes(
  settings: ReadonlyMap<string, RawSetting>,
): readonly NodeAddress[] {
  const raw = settings.get("nodes");
  if (raw === undefined) return DEFAULT_NODES;
  const lines = raw.kind === "text"
    ? (raw.value as string).split("\n")
    : raw.value;
  if (
    !Array.isArray(lines) || lines.some((line) => typeof line !== "string")
  ) {
    throw new ConfigError(
      raw.key,
      'expected a list of texts "<id> <raft host:port> <api host:port>"',
    );
  }
  const nodes = (lines as string[]).filter((line) => line.trim() !== "")
    .map((line) => parseNodeLine(line, raw.key));
  checkNodes(nodes, raw.key);
  return nodes;
}

function readNodeId(
  settings: ReadonlyMap<string, RawSetting>,
  nodes: readonly NodeAddress[],
  hostname: (() => string) | undefined,
): number {
  const listed = nodes.map((node) => node.id).join(", ");
  const known = (id: number, key: string): number => {
    if (nodes.some((node) => node.id === id)) return id;
    throw new ConfigError(key, `node ${id} is not in nodes (${listed})`);
  };
  const from = settings.get("node_id_from");
  const id = settings.get("node_id");
  // A flag is given to this process alone, so it wins over what the cluster shares.
  if (from !== undefined && id?.key !== "--node-id") {
    parseValue(choice(["k8s"]), from.value, from);
    return known(ordinalOf(hostname?.() ?? "", from.key), from.key);
  }
  if (id !== undefined) {
    return known(parseValue(integer(1, 999_999_999), id.value, id), id.key);
  }
  if (nodes.length === 1) return nodes[0]!.id;
  throw new ConfigError(
    "node_id",
    `is not set (environment: HQL_NODE_ID); choose one of ${listed}`,
  );
}

/** The node id of a StatefulSet's pod: `hiqlite-0` is node 1. */
function ordinalOf(hostname: string, key: string): number {
  const ordinal = /-(\d{1,8})(?:\..*)?$/.exec(hostname)?.[1];
  if (ordinal !== undefined) return Number(ordinal) + 1;
  throw new ConfigError(
    key,
    `expected a host name that ends with an ordinal such as hiqlite-0, got "${hostname}"`,
  );
}

function onLoopback(node: NodeAddress): boolean {
  return isLoopback(parseHostPort(node.raft)!.host) &&
    isLoopback(parseHostPort(node.api)!.host);
}

function checkTimings(config: NodeConfig): void {
  if (config.electionTicks >= 2 * config.heartbeatTicks) return;
  throw new ConfigError(
    "election_ticks",
    `must be at least twice heartbeat_ticks (${config.heartbeatTicks}), got ${config.electionTicks}`,
  );
}
