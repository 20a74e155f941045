import {
  describeFlags,
  type Flag,
  parseFlags,
  refuseArguments,
} from "./arguments.ts";
import { describeVariables, wrapped } from "../config/describe.ts";
import { keptSecret } from "../config/secrets.ts";
import { loadConfig } from "./config_file.ts";
import { firstStartLines } from "./first_start.ts";
import { logFormatOf, logLines, type Terminal } from "./terminal.ts";
import { Logger } from "../util/logger.ts";
import { FLAG_KEYS, type FlagKey } from "../config/sources.ts";
import { openMember } from "../app/open_member.ts";

/** How long a graceful stop may take before the process ends anyway, ms. */
const STOP_MS_MAX = 15_000;

/** A signal that comes sooner after the first is taken for the same wish, ms. */
const SECOND_SIGNAL_MS = 1000;

export const SERVE_FLAGS: Readonly<Record<string, Flag>> = {
  "config-file": {
    short: "c",
    value: "path",
    about:
      "TOML, or variables [hiqlite.toml here, /app/config/config, ~/.hiqlite/hiqlite.toml]",
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
    value: "text|json",
    about: "[text on a terminal, else json]",
  },
  // For a parent that may die: the end of standard input stops the member.
  "until-stdin-ends": {},
  help: { short: "h", about: "Show this" },
};

/** The help of `hiqlite serve`. */
export function serveHelp(): string[] {
  const variables = describeVariables().flatMap((
    { env, toml, fallback, about },
  ) => [
    `  ${env} [${fallback}]`,
    ...(env === `HQL_${toml.toUpperCase()}` || env === toml.toUpperCase()
      ? []
      : [`      In the file: ${toml}.`]),
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
    "without HQL_, or those that are told, in the table [hiqlite]):",
    ...variables,
  ];
}

/** Runs a member until a signal stops it. */
export async function serve(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals } = parseFlags(args, SERVE_FLAGS);
  refuseArguments(positionals);
  const flag = (name: string): string | undefined => flags.get(name)?.[0];
  const { config, notices, path, generated } = loadConfig({
    env: terminal.env,
    path: flags.has("no-config-file") ? null : flag("config-file"),
    flags: configFlags(flag),
    generateSecret: keptSecret,
  });
  const logger = new Logger(
    config.logLevel,
    logLines(
      logFormatOf(config.logFormat, terminal),
      (line) => terminal.error(line),
    ),
  );
  if (path !== undefined) logger.info("configuration read", { path });
  for (const notice of notices) logger.warn(notice);

  const ended = Promise.withResolvers<void>();
  const { node, listeners, dashboardLink } = await openMember(config, {
    logger,
    version: terminal.version,
    // What is not durable must not be acknowledged: end, the others take over.
    onFatal: () => terminal.exit(1),
  });
  const stop = stopper(terminal, logger, () => node.shutdown(), ended);
  const forget = terminal.onStop(stop);
  const forgetReload = terminal.onReload(() => {
    logger.info("reading certificates again", { reason: "SIGHUP" });
    listeners!.reload();
  });
  if (flags.has("until-stdin-ends")) {
    untilEnd(Deno.stdin.readable).then(() => stop("end of input", true));
  }
  logger.info("listening", {
    api: listeners!.apiUrl,
    node: config.nodeId,
    version: terminal.version,
  });
  if (generated.includes("secret_api")) {
    for (
      const line of firstStartLines(
        config.dataDir,
        listeners!.apiUrl,
        await dashboardLink!(),
      )
    ) {
      terminal.out(line);
    }
  }
  await ended.promise;
  forget();
  forgetReload();
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
): { readonly [K in FlagKey]?: string } {
  return Object.fromEntries(
    FLAG_KEYS.map((key) => [key, flag(key.replaceAll("_", "-"))])
      .filter(([, value]) => value !== undefined),
  );
}

async function untilEnd(stream: ReadableStream<Uint8Array>): Promise<void> {
  try {
    for await (const _ of stream) continue;
  } catch {
    // A broken pipe is an end too.
  }
}
