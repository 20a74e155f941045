import { ConfigError } from "../errors.ts";
import { readNodes } from "./resolve.ts";
import type { Setting } from "./setting.ts";
import { SETTINGS } from "./settings.ts";
import { type RawSetting, type RawSources, readSources } from "./sources.ts";
import { checkTls, type TlsField } from "./tls_settings.ts";
import type { NodeAddress, NodeConfig } from "./types.ts";
import { integer, parseValue } from "./value.ts";

/** What a proxy takes from a member's configuration; the rest of it is checked and has no effect. */
export interface ProxyConfig extends
  Pick<
    NodeConfig,
    | "secretApi"
    | "secretApiPrevious"
    | "corsOrigins"
    | "apiConnectionsPerAddress"
    | "logLevel"
    | "logFormat"
    | TlsField
  > {
  readonly nodes: readonly NodeAddress[];
  /** Where it listens. */
  readonly hostname: string;
  readonly port: number;
}

/**
 * The configuration of a proxy: members' `nodes`, API secret and TLS, as a member has them, and `LISTEN_PORT` (8200).
 *
 * @throws {ConfigError} names the key.
 */
export function resolveProxyConfig(sources: RawSources): ProxyConfig {
  const { settings } = readSources(sources);
  const { secretApi, listenAddrApi } = SETTINGS;
  if (!settings.has(secretApi.toml)) {
    throw new ConfigError(
      secretApi.toml,
      `is not set (environment: ${secretApi.env}); a proxy looks at the members with it`,
    );
  }
  const port = sources.env.LISTEN_PORT;
  const read = <T>(setting: Setting<T>, fallback = setting.fallback): T =>
    plainOf(settings, setting, fallback);
  const config = {
    nodes: readNodes(settings),
    secretApi: read(secretApi),
    secretApiPrevious: read(SETTINGS.secretApiPrevious),
    corsOrigins: read(SETTINGS.corsOrigins),
    apiConnectionsPerAddress: read(SETTINGS.apiConnectionsPerAddress),
    logLevel: read(SETTINGS.logLevel),
    logFormat: read(SETTINGS.logFormat),
    tlsAutoCertificates: read(SETTINGS.tlsAutoCertificates),
    tlsRaftKey: read(SETTINGS.tlsRaftKey),
    tlsRaftCert: read(SETTINGS.tlsRaftCert),
    tlsRaftCa: read(SETTINGS.tlsRaftCa),
    tlsRaftDangerTlsNoVerify: read(SETTINGS.tlsRaftDangerTlsNoVerify),
    tlsApiKey: read(SETTINGS.tlsApiKey),
    tlsApiCert: read(SETTINGS.tlsApiCert),
    tlsApiCa: read(SETTINGS.tlsApiCa),
    tlsApiDangerTlsNoVerify: read(SETTINGS.tlsApiDangerTlsNoVerify),
    hostname: read(listenAddrApi, "0.0.0.0"),
    port: port === undefined || port === "" ? 8200 : parseValue(
      integer(0, 65_535),
      port,
      { key: "LISTEN_PORT", kind: "text", secret: false },
    ),
  };
  checkTls(config);
  return config;
}

function plainOf<T>(
  settings: ReadonlyMap<string, RawSetting>,
  { toml, type }: Setting<T>,
  fallback: T | undefined,
): T {
  const raw = settings.get(toml);
  return raw === undefined ? fallback! : parseValue(type, raw.value, raw);
}
