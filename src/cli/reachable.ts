import { readFileSync } from "node:fs";
import type { Flag } from "./arguments.ts";
import { type ConfigArguments, loadConfig } from "./config_file.ts";
import { HiqliteError } from "../errors.ts";
import { secretPath } from "../config/secrets.ts";
import type { Terminal } from "./terminal.ts";

/** Where members are, and the secret they ask for. */
export interface Reachable {
  /** API addresses. */
  readonly urls: readonly string[];
  readonly secret: string;
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
  "config-file": {
    short: "c",
    value: "path",
    about: "Where addresses and secret are [~/.hiqlite/hiqlite.toml]",
  },
};

/** The members that the flags name, or the configuration. @throws {HiqliteError} `config` */
export function reachable(
  urls: readonly string[],
  flag: (name: string) => string | undefined,
  terminal: Terminal,
): Reachable {
  const secretFile = flag("secret-file");
  const secret = secretFile === undefined
    ? terminal.env.HQL_SECRET_API
    : readSecret(secretFile);
  if (urls.length > 0 && secret !== undefined && secret !== "") {
    return { urls, secret };
  }
  const { config } = configured({
    env: terminal.env,
    path: flag("config-file"),
    // Of the secrets only this one is needed, unless it was given.
    generateSecret: (key, dataDir) =>
      key === "secret_api" && !secret
        ? readSecret(secretPath(dataDir, key))
        : "-".repeat(16),
  });
  return {
    urls: urls.length > 0 ? urls : config.nodes.map((node) => node.api),
    secret: secret || config.secretApi,
  };
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

function readSecret(path: string): string {
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
