import { get as plainGet } from "node:http";
import { get as tlsGet } from "node:https";
import { parseHostPort } from "../config/address.ts";
import { tlsSource } from "../config/tls_settings.ts";
import {
  countOf,
  describeFlags,
  type Flag,
  parseFlags,
  refuseArguments,
  UsageError,
  valueOf,
} from "./arguments.ts";
import { fileSources, loadConfig } from "./config_file.ts";
import { resolveProxyConfig } from "../config/proxy.ts";
import type { Terminal } from "./terminal.ts";

const TIMEOUT_MS = 5000;
/** Nothing that is asked for says more. */
const ANSWER_CHARS_MAX = 500;

const FLAGS: Readonly<Record<string, Flag>> = {
  url: {
    value: "url",
    about: "Its address, without a path [from its configuration]",
  },
  ready: { about: "Whether it is fit for traffic: /ready, not /health" },
  proxy: { about: "Ask a proxy on this machine, from its configuration" },
  "timeout-ms": { value: "n", about: `Wait for an answer [${TIMEOUT_MS}]` },
  "config-file": {
    short: "c",
    value: "path",
    about: "Its configuration [as hiqlite serve finds it]",
  },
  help: { short: "h", about: "Show this" },
};

/** The help of `hiqlite healthcheck`. */
export function healthcheckHelp(): string[] {
  return [
    "Usage: hiqlite healthcheck [options]",
    "",
    "Asks the member or proxy of this machine how it is, for images without a shell.",
    "It needs no secret and sends none, so it verifies no certificate.",
    "",
    "Options:",
    ...describeFlags(FLAGS),
    "",
    "Exit codes: 0 well, 1 not well or no answer, 2 wrong use",
  ];
}

/** Asks how the member of this machine is. */
export async function healthcheck(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals } = parseFlags(args, FLAGS);
  refuseArguments(positionals);
  const given = valueOf(flags, "url");
  if (given !== undefined && !/^https?:\/\/[^/]+/.test(given)) {
    throw new UsageError(
      `--url begins with http:// or https:// and a host, not '${given}'`,
    );
  }
  const file = valueOf(flags, "config-file");
  const base = given ??
    (flags.has("proxy")
      ? proxyUrl(terminal.env, file)
      : memberUrl(terminal.env, file));
  const path = flags.has("ready") ? "/ready" : "/health";
  const url = base.replace(/\/+$/, "") + path;
  const answer = await ask(url, countOf(flags, "timeout-ms") ?? TIMEOUT_MS);
  if (answer.ok) terminal.out(answer.text);
  else terminal.error(`hiqlite healthcheck: ${url} ${answer.text}`);
  return answer.ok ? 0 : 1;
}

/** Where a member listens, asked from its own machine. @throws {HiqliteError} `config` */
function memberUrl(env: Terminal["env"], path: string | undefined): string {
  const { config } = loadConfig({
    env,
    path,
    // No secret is needed to ask.
    generateSecret: () => "-".repeat(16),
  });
  const own = config.nodes.find(({ id }) => id === config.nodeId)!;
  const scheme = tlsSource(config, "api").kind === "off" ? "http" : "https";
  const { port } = parseHostPort(own.api)!;
  return `${scheme}://${reachableFromHere(config.listenAddrApi)}:${port}`;
}

/** Where a proxy listens. @throws {HiqliteError} `config` */
function proxyUrl(env: Terminal["env"], path: string | undefined): string {
  const { sources } = fileSources({ env, path });
  const { hostname, port } = resolveProxyConfig(sources);
  return `http://${reachableFromHere(hostname)}:${port}`;
}

/** Nobody can be asked at "all addresses". */
function reachableFromHere(listenAddress: string): string {
  if (listenAddress === "0.0.0.0") return "127.0.0.1";
  const address = listenAddress === "::" ? "::1" : listenAddress;
  return address.includes(":") ? `[${address}]` : address;
}

/** What is answered, or why not, as the end of a sentence about the URL. */
function ask(
  url: string,
  timeoutMs: number,
): Promise<{ readonly ok: boolean; readonly text: string }> {
  const { promise, resolve } = Promise.withResolvers<
    Awaited<ReturnType<typeof ask>>
  >();
  const signal = AbortSignal.timeout(timeoutMs);
  // The certificate names other hosts than this one, and nothing secret is sent.
  const request = url.startsWith("https:")
    // With authorities, even none, the runtime does not look for the system's, which would need a permission.
    ? tlsGet(url, { signal, rejectUnauthorized: false, agent: false, ca: [] })
    : plainGet(url, { signal, agent: false });
  request.on("error", (error: Error) =>
    resolve({
      ok: false,
      text: signal.aborted
        ? `gave no answer within ${timeoutMs} ms`
        : `cannot be asked: ${error.message}`,
    }));
  request.on("response", (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (part: string) => {
      text = (text + part).slice(0, ANSWER_CHARS_MAX);
    });
    response.on("error", () => {});
    response.on("close", () => {
      const status = response.statusCode!;
      resolve(
        status === 200
          ? { ok: true, text }
          : { ok: false, text: `answered ${status}: ${text}` },
      );
    });
  });
  return promise;
}
