import { readFileSync } from "node:fs";
import { type Flag, type Parsed, valueOf } from "./arguments.ts";
import { type ConfigArguments, loadConfig } from "./config_file.ts";
import { HiqliteError } from "../errors.ts";
import { secretPath } from "../config/secrets.ts";
import {
  type TlsField,
  type TlsSource,
  tlsSource,
} from "../config/tls_settings.ts";
import type { NodeConfig } from "../config/types.ts";
import { readAuthorities } from "../tls/pair_files.ts";
import type { Terminal } from "./terminal.ts";

/** Where members are, the secret they ask for, and how they are verified. */
export interface Reachable {
  /** API addresses. */
  readonly urls: readonly string[];
  readonly secret: string;
  /** Authorities in PEM; by default the one of the secret. */
  readonly ca?: string;
  readonly dangerTlsNoVerify?: boolean;
}

/** The flags that {@linkcode reachable} looks at. */
export const REACH_FLAGS: Readonly<Record<string, Flag>> = {
  url: {
    value: "url",
    multiple: true,
    about: "API of a member; may be repeated [from the configuration]",
  },
  "secret-file": {
    value: "path",
    about: "File with the API secret [HQL_SECRET_API, or the configuration]",
  },
  ca: {
    value: "path",
    about:
      "Authorities of https:// members in PEM [HQL_TLS_API_CA, or the configuration]",
  },
  "danger-tls-no-verify": {
    about: "Verify no certificate: whoever answers gets the secret",
  },
  "config-file": {
    short: "c",
    value: "path",
    about: "Where addresses and secret are [as hiqlite serve finds it]",
  },
};

/** The members that the flags name, or the configuration. @throws {HiqliteError} `config` */
export function reachable(
  flags: Parsed["flags"],
  terminal: Terminal,
): Reachable {
  const urls = flags.get("url") ?? [];
  const secretFile = valueOf(flags, "secret-file");
  const secret = secretFile === undefined
    ? terminal.env.HQL_SECRET_API
    : readSecret(secretFile);
  const given = givenTrust(flags, terminal);
  if (urls.length > 0 && secret !== undefined && secret !== "") {
    return { urls, secret, ...given };
  }
  const { config } = configured({
    env: terminal.env,
    path: valueOf(flags, "config-file"),
    // Of the secrets only this one is needed, unless it was given.
    generateSecret: (key, dataDir) =>
      key === "secret_api" && !secret
        ? readSecret(secretPath(dataDir, key))
        : "-".repeat(16),
  });
  const source = tlsSource(config, "api");
  const scheme = source.kind === "off" ? "http" : "https";
  return {
    urls: urls.length > 0
      ? urls
      : config.nodes.map((node) => `${scheme}://${node.api}`),
    secret: secret || config.secretApi,
    ...(scheme === "http" && urls.length === 0
      ? {}
      : { ...configuredTrust(config, source), ...given }),
  };
}

/** Whom flags and environment say to believe. */
function givenTrust(
  flags: Parsed["flags"],
  { env }: Terminal,
): Pick<Reachable, "ca" | "dangerTlsNoVerify"> {
  if (
    flags.has("danger-tls-no-verify") ||
    env.HQL_TLS_API_DANGER_TLS_NO_VERIFY === "true"
  ) return { dangerTlsNoVerify: true };
  const flag = valueOf(flags, "ca");
  const path = flag ?? env.HQL_TLS_API_CA ?? "";
  if (path === "") return {};
  return {
    ca: readAuthorities(flag === undefined ? "HQL_TLS_API_CA" : "--ca", path)
      .join(""),
  };
}

/** Whom the configuration says to believe: of own files, whoever stands last in the chain. */
export function configuredTrust(
  config: Pick<NodeConfig, TlsField>,
  source: TlsSource,
): Pick<Reachable, "ca" | "dangerTlsNoVerify"> {
  if (config.tlsApiDangerTlsNoVerify) return { dangerTlsNoVerify: true };
  if (config.tlsApiCa !== "") {
    return { ca: readAuthorities("tls_api_ca", config.tlsApiCa).join("") };
  }
  if (source.kind !== "files") return {};
  return { ca: readAuthorities("tls_api_cert", source.cert).at(-1)! };
}

function configured(args: ConfigArguments): ReturnType<typeof loadConfig> {
  try {
    return loadConfig(args);
  } catch (error) {
    if (!(error instanceof HiqliteError)) throw error;
    throw new HiqliteError(
      error.code,
      `${error.message}. Without a configuration: --url <API address of a member> --secret-file <path>`,
      { cause: error },
    );
  }
}

/** A secret from its file. @throws {HiqliteError} `config` */
export function readSecret(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw new HiqliteError(
      "config",
      `The secret in ${path} cannot be read: ${
        cause instanceof Error ? cause.message : cause
      }; give it with --secret-file or HQL_SECRET_API`,
      { cause },
    );
  }
}
