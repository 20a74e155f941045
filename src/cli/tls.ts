import {
  describeFlags,
  type Flag,
  parseFlags,
  UnknownCommandError,
  UsageError,
  valueOf,
} from "./arguments.ts";
import { Authority } from "../tls/authority.ts";
import { loadConfig } from "./config_file.ts";
import { readSecret } from "./reachable.ts";
import { secretPath } from "../config/secrets.ts";
import type { Terminal } from "./terminal.ts";

export const TLS_FLAGS: Readonly<Record<string, Flag>> = {
  "secret-file": {
    value: "path",
    about: "File with the API secret [HQL_SECRET_API, or the configuration]",
  },
  "config-file": {
    short: "c",
    value: "path",
    about: "Where the secret is [as hiqlite serve finds it]",
  },
  help: { short: "h", about: "Show this" },
};

/** The help of `hiqlite tls`. */
export function tlsHelp(): string[] {
  return [
    "Usage: hiqlite tls ca [options]",
    "",
    "Prints the authority that vouches for the automatic certificates of the API,",
    "in PEM: curl --cacert <(hiqlite tls ca) https://…. It follows from the API",
    "secret and is no secret itself.",
    "",
    "Options:",
    ...describeFlags(TLS_FLAGS),
  ];
}

/** Prints the authority of the API secret. */
export async function tls(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals } = parseFlags(args, TLS_FLAGS);
  const [command, ...more] = positionals;
  if (command === undefined) throw new UsageError("A command is missing");
  if (command !== "ca") throw new UnknownCommandError("tls", command);
  if (more.length > 0) throw new UsageError(`Unexpected argument '${more[0]}'`);
  const path = valueOf(flags, "secret-file");
  const given = path === undefined
    ? terminal.env.HQL_SECRET_API
    : readSecret(path);
  const secret = given ||
    configuredSecret(valueOf(flags, "config-file"), terminal);
  const authority = await Authority.derive("api", secret);
  terminal.out(authority.certificate().trimEnd());
  return 0;
}

function configuredSecret(path: string | undefined, { env }: Terminal): string {
  return loadConfig({
    env,
    path,
    generateSecret: (key, dataDir) =>
      key === "secret_api"
        ? readSecret(secretPath(dataDir, key))
        : "-".repeat(16),
  }).config.secretApi;
}
