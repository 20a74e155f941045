import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { isEnvFile, parseEnvFile } from "../config/env_file.ts";
import { HiqliteError } from "../errors.ts";
import {
  type ConfigSources,
  resolveConfig,
  type ResolvedConfig,
} from "../config/resolve.ts";
import type { FlagKey, RawSources } from "../config/sources.ts";
import { readableMode } from "../util/exposure.ts";

/** What the command line says of the configuration. */
export interface ConfigArguments {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file; null for none; undefined for the first of {@linkcode defaultPaths} that is there. */
  readonly path: string | null | undefined;
  readonly flags?: { readonly [K in FlagKey]?: string };
  readonly generateSecret?: NonNullable<ConfigSources["generateSecret"]>;
}

/** Reads file, environment and flags. @throws {HiqliteError} `config` */
export function loadConfig(
  args: ConfigArguments,
): ResolvedConfig & { readonly path: string | undefined } {
  const { sources, path } = fileSources(args);
  const resolved = resolveConfig({
    ...sources,
    ...(args.generateSecret === undefined
      ? {}
      : { generateSecret: args.generateSecret }),
    hostname,
  });
  return { ...resolved, path };
}

/** What file, environment and flags say, unchecked. @throws {HiqliteError} `config` */
export function fileSources(
  args: Omit<ConfigArguments, "generateSecret">,
): { readonly sources: RawSources; readonly path: string | undefined } {
  const path = args.path === undefined
    ? existingDefault(args.env)
    : args.path ?? undefined;
  const sources = {
    ...textSources(args.env, path),
    ...(args.flags === undefined ? {} : { flags: args.flags }),
    readFile: (file: string) => readFileSync(file, "utf8"),
    readableMode,
  };
  return { sources, path };
}

/** A file is TOML or a list of variables; what the environment says wins over both. */
function textSources(
  env: ConfigArguments["env"],
  path: string | undefined,
): Pick<RawSources, "env" | "envFile" | "toml" | "tomlPath"> {
  if (path === undefined) return { env };
  const text = readText(path);
  if (!isEnvFile(text)) return { env, toml: text, tomlPath: path };
  const variables = parseEnvFile(text, path);
  const names = new Set(variables.keys());
  return {
    env: { ...Object.fromEntries(variables), ...env },
    envFile: { path, names },
  };
}

/** Where a new configuration is written if no place is named; undefined without a home folder. */
export function defaultConfigPath(
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const home = env.HOME ?? env.USERPROFILE;
  return home === undefined || home === ""
    ? undefined
    : join(home, ".hiqlite", "hiqlite.toml");
}

/** Where a configuration is looked for: here, where Hiqlite's manifests mount it, at home. */
export function defaultPaths(
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  const home = defaultConfigPath(env);
  return [
    "hiqlite.toml",
    "/app/config/config",
    // Hiqlite's StatefulSet mounts the one key of the ConfigMap in place of the folder.
    "/app/config",
    ...(home === undefined ? [] : [home]),
  ];
}

/** The first default file that exists and that this process may read. */
function existingDefault(
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  return defaultPaths(env).find((path) =>
    Deno.permissions.querySync({ name: "read", path }).state === "granted" &&
    exists(path)
  );
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (absent) return false;
    throw new HiqliteError(
      "config",
      `Cannot look for ${path}: ${
        (error as Error).message
      }; name a file with --config-file, or set HOME`,
      { cause: error },
    );
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new HiqliteError(
      "config",
      `Cannot read ${path}: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
}
