import {
  describeFlags,
  type Flag,
  parseFlags,
  UsageError,
} from "./arguments.ts";
import { describeVariables, wrapped } from "../config/describe.ts";
import { keptSecret, secretPath } from "../config/secrets.ts";
import { loadConfig } from "./config_file.ts";
import { type LogFormat, logLines, type Terminal } from "./terminal.ts";
import { Logger } from "../util/logger.ts";
import type { NodeConfig } from "../config/types.ts";
import { openMember } from "../app/open.ts";

/** How long a graceful stop may take before the process ends anyway, ms. */
const STOP_MS_MAX = 15_000;

/** A signal that comes sooner after the first is taken for the same wish, ms. */
const SECOND_SIGNAL_MS = 1000;

export const SERVE_FLAGS: Readonly<Record<string, Flag>> = {
  "config-file": {
    short: "c",
    value: "path",
    about: "TOML file [~/.hiqlite/hiqlite.toml, if it is there]",
  },
  "no-config-file": { about: "Read no file" },
  "node-id": { value: "id", about: "Which of the nodes this is" },
  "log-level": {
    short: "l",
    value: "level",
    about: "debug, info, warn or error [info]",
  },
  "log-statements": {
    value: "true|false",
    about: "Log every statement, never its parameters [false]",
  },
  "log-format": {
    value: "human|json",
    about: "[human on a terminal, else json]",
  },
  // For a parent that may die: the end of standard input stops the member.
  "until-stdin-ends": {},
  help: { short: "h", about: "Show this" },
};

/** The help of `hiqlite serve`. */
export function serveHelp(): string[] {
  const variables = describeVariables().flatMap(({ env, fallback, about }) => [
    `  ${env} [${fallback}]`,
    ...wrapped(about.replaceAll("`", ""), "      "),
  ]);
  return [
    "Usage: hiqlite serve [options]",
    "",
    "Runs a member. Without any configuration: a single one on the loopback",
    "interface, its data in ./data, with secrets it makes and keeps there.",
    "",
    "Options:",
    ...describeFlags(SERVE_FLAGS),
    "",
    "Environment (wins over the file; the file has the same names in lower case",
    "without HQL_, in the table [hiqlite]):",
    ...variables,
  ];
}

/** Runs a member until a signal stops it. */
export async function serve(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals } = parseFlags(args, SERVE_FLAGS);
  if (positionals.length > 0) {
    throw new UsageError(`Unexpected argument '${positionals[0]}'`);
  }
  const flag = (name: string): string | undefined => flags.get(name)?.[0];
  const format = logFormatOf(flag("log-format"), terminal);
  const { config, notices, path, generated } = loadConfig({
    env: terminal.env,
    path: flags.has("no-config-file") ? null : flag("config-file"),
    flags: configFlags(flag),
    generateSecret: keptSecret,
  });
  const logger = new Logger(
    config.logLevel,
    logLines(format, (line) => terminal.error(line)),
  );
  if (path !== undefined) logger.info("configuration read", { path });
  for (const notice of notices) logger.warn(notice);

  const ended = Promise.withResolvers<void>();
  const { client, listeners } = await openMember(config, {
    logger,
    version: terminal.version,
    // What is not durable must not be acknowledged: end, the others take over.
    onFatal: () => terminal.exit(1),
  });
  const stop = stopper(terminal, logger, () => client.shutdown(), ended);
  const forget = terminal.onStop(stop);
  if (flags.has("until-stdin-ends")) {
    untilEnd(Deno.stdin.readable).then(() => stop("end of input", true));
  }
  logger.info("listening", {
    api: listeners!.apiUrl,
    node: config.nodeId,
    version: terminal.version,
  });
  if (generated.includes("secret_api")) {
    for (const line of firstStartLines(config, listeners!.apiUrl)) {
      terminal.out(line);
    }
  }
  await ended.promise;
  forget();
  return 0;
}

/** Stops once, gracefully; a second signal ends the process, but not the double of the first that a terminal and `deno task` send. */
function stopper(
  terminal: Terminal,
  logger: Logger,
  shutdown: () => Promise<void>,
  ended: PromiseWithResolvers<void>,
): (reason: string, quiet?: boolean) => void {
  let stoppingSince: number | null = null;
  return (reason, quiet = false) => {
    if (stoppingSince !== null) {
      const apart = performance.now() - stoppingSince;
      if (!quiet && apart >= SECOND_SIGNAL_MS) terminal.exit(1);
      return;
    }
    stoppingSince = performance.now();
    logger.info("stopping; a second signal ends at once", { reason });
    const timer = setTimeout(() => {
      logger.error("could not stop in time", { ms: STOP_MS_MAX });
      terminal.exit(1);
    }, STOP_MS_MAX);
    shutdown().then(ended.resolve, ended.reject)
      .finally(() => clearTimeout(timer));
  };
}

function configFlags(
  flag: (name: string) => string | undefined,
): { node_id?: string; log_level?: string; log_statements?: string } {
  const nodeId = flag("node-id");
  const logLevel = flag("log-level");
  const logStatements = flag("log-statements");
  return {
    ...(nodeId === undefined ? {} : { node_id: nodeId }),
    ...(logLevel === undefined ? {} : { log_level: logLevel }),
    ...(logStatements === undefined ? {} : { log_statements: logStatements }),
  };
}

function logFormatOf(text: string | undefined, terminal: Terminal): LogFormat {
  if (text === undefined) return terminal.interactive ? "human" : "json";
  if (text === "human" || text === "json") return text;
  throw new UsageError(`Option '--log-format' is human or json, not '${text}'`);
}

/** How to talk to a member that made its own secrets. */
function firstStartLines(config: NodeConfig, apiUrl: string): string[] {
  const secret = secretPath(config.dataDir, "secret_api");
  return [
    `API      ${apiUrl}   (routes: ${apiUrl}/openapi.json)`,
    `Secret   in ${secret}`,
    `Try      curl -H "X-API-SECRET: $(cat ${secret})" -H 'content-type: application/json' ${apiUrl}/api/v1/query -d '{"sql":"SELECT sqlite_version()"}'`,
    "Stop     Ctrl-C",
  ];
}

async function untilEnd(stream: ReadableStream<Uint8Array>): Promise<void> {
  try {
    for await (const _ of stream) continue;
  } catch {
    // A broken pipe is an end too.
  }
}
