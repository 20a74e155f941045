import { trustedFetch } from "../client/trust.ts";
import { resolveProxyConfig } from "../config/proxy.ts";
import { tlsSource } from "../config/tls_settings.ts";
import { Proxy } from "../proxy/proxy.ts";
import { Logger } from "../util/logger.ts";
import {
  describeFlags,
  type Flag,
  parseFlags,
  refuseArguments,
} from "./arguments.ts";
import { fileSources } from "./config_file.ts";
import { configuredTrust } from "./reachable.ts";
import { logFormatOf, logLines, type Terminal } from "./terminal.ts";

const FLAGS: Readonly<Record<string, Flag>> = {
  "config-file": {
    short: "c",
    value: "path",
    about: "A member's configuration [as hiqlite serve finds it]",
  },
  "no-config-file": { about: "Read no file" },
  "log-level": {
    short: "l",
    value: "level",
    about: "debug, info, warn or error [info]",
  },
  "log-format": {
    value: "text|json",
    about: "[text on a terminal, else json]",
  },
  help: { short: "h", about: "Show this" },
};

/** The help of `hiqlite proxy`. */
export function proxyHelp(): string[] {
  return [
    "Usage: hiqlite proxy [options]",
    "",
    "Takes requests of clients that cannot reach the members themselves to whichever",
    "member can answer them. It keeps nothing; run as many as you like. A member",
    "that dies costs clients no request: what may be repeated goes to another one,",
    "and writes get an Idempotency-Key, so that a repetition is applied once.",
    "",
    "Options:",
    ...describeFlags(FLAGS),
    "",
    "It reads HQL_NODES and HQL_SECRET_API (or nodes and secret_api), and",
    "  LISTEN_PORT [8200]",
    "  HQL_LISTEN_ADDR_API [0.0.0.0]",
    "  HQL_API_CONNECTIONS_PER_ADDRESS [512], of 1,024 in all",
  ];
}

/** Runs a proxy until a signal stops it. */
export async function proxy(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals } = parseFlags(args, FLAGS);
  refuseArguments(positionals);
  const flag = (name: string): string | undefined => flags.get(name)?.[0];
  const level = flag("log-level");
  const format = flag("log-format");
  const { sources, path } = fileSources({
    env: terminal.env,
    path: flags.has("no-config-file") ? null : flag("config-file"),
    flags: {
      ...(level === undefined ? {} : { log_level: level }),
      ...(format === undefined ? {} : { log_format: format }),
    },
  });
  const config = resolveProxyConfig(sources);
  const logger = new Logger(
    config.logLevel,
    logLines(
      logFormatOf(config.logFormat, terminal),
      (line) => terminal.error(line),
    ),
  );
  if (path !== undefined) logger.info("configuration read", { path });
  const ended = Promise.withResolvers<void>();
  const source = tlsSource(config, "api");
  const scheme = source.kind === "off" ? "http" : "https";
  const urls = config.nodes.map(({ api }) => `${scheme}://${api}`);
  const trusted = trustedFetch({
    urls,
    secret: config.secretApi,
    ...(source.kind === "off" ? {} : configuredTrust(config, source)),
  });
  await using running = new Proxy({
    urls,
    secretApi: config.secretApi,
    secretApiPrevious: config.secretApiPrevious,
    corsOrigins: config.corsOrigins,
    hostname: config.hostname,
    port: config.port,
    limits: { perAddress: config.apiConnectionsPerAddress },
    logger,
    fetch: trusted.fetch,
  });
  logger.info("listening", {
    api: `http://${config.hostname}:${running.port}`,
    version: terminal.version,
  });
  const forget = terminal.onStop(() => ended.resolve());
  await ended.promise;
  forget();
  logger.info("stopping");
  return 0;
}
