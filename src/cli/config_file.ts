import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { HiqliteError } from "../errors.ts";
import {
  type ConfigSources,
  resolveConfig,
  type ResolvedConfig,
} from "../config/resolve.ts";
import type { FlagKey } from "../config/sources.ts";

/** What the command line says of the configuration. */
export interface ConfigArguments {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file; null for none; undefined for `~/.hiqlite/hiqlite.toml` if it is there. */
  readonly path: string | null | undefined;
  readonly flags?: { readonly [K in FlagKey]?: string };
  readonly generateSecret?: NonNullable<ConfigSources["generateSecret"]>;
}

/** Reads file, environment and flags. @throws {HiqliteError} `config` */
export function loadConfig(
  args: ConfigArguments,
): ResolvedConfig & { readonly path: string | undefined } {
  const path = args.path === undefined
    ? existingDefault(args.env)
    : args.path ?? undefined;
  const resolved = resolveConfig({
    env: args.env,
    ...(path === undefined ? {} : { toml: readText(path), tomlPath: path }),
    ...(args.flags === undefined ? {} : { flags: args.flags }),
    ...(args.generateSecret === undefined
      ? {}
      : { generateSecret: args.generateSecret }),
    hostname,
    readFile: (file) => readFileSync(file, "utf8"),
  });
  return { ...resolved, path };
}

/** Where Hiqlite looks for its configuration; undefined without a home folder. */
export function defaultConfigPath(
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const home = env.HOME ?? env.USERPROFILE;
  return home === undefined || home === ""
    ? undefined
    : join(home, ".hiqlite", "hiqlite.toml");
}

/** The default file if it exists and this process may read it. */
function existingDefault(
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const path = defaultConfigPath(env);
  if (path === undefined) return undefined;
  const { state } = Deno.permissions.querySync({ name: "read", path });
  if (state !== "granted") return undefined;
  return exists(path) ? path : undefined;
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
