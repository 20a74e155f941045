import { readFileSync } from "node:fs";
import type { ClusterStatus, MembershipRequest } from "../node/port.ts";
import { connect, type RemoteClient } from "../client/remote.ts";
import {
  describeFlags,
  type Flag,
  parseFlags,
  UsageError,
} from "./arguments.ts";
import { clusterToJson } from "../api/cluster_status.ts";
import { type ErrorCode, HiqliteError } from "../errors.ts";
import { addressProblem } from "../config/address.ts";
import { type ConfigArguments, loadConfig } from "./config_file.ts";
import { secretPath } from "../config/secrets.ts";
import { recover, recoverHelp } from "./recover.ts";
import type { Terminal } from "./terminal.ts";

export const CLUSTER_FLAGS: Readonly<Record<string, Flag>> = {
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
  "raft-address": {
    value: "host:port",
    about: "Of a new member (add-learner)",
  },
  "api-address": { value: "host:port", about: "Of a new member (add-learner)" },
  timeout: { value: "seconds", about: "Longest wait [30]" },
  json: { about: "Answer in JSON" },
  help: { short: "h", about: "Show this" },
};

/** The help of `hiqlite cluster`, or of one of its commands. */
export function clusterHelp(command?: string): string[] {
  if (command === "recover") return recoverHelp();
  return [
    "Usage: hiqlite cluster <command> [options]",
    "",
    "Commands:",
    "  status             Show the members as one of them sees them",
    "  add-learner <id>   Add a member that replicates and does not vote",
    "  promote <id>       Make a learner a voter, once it has caught up",
    "  demote <id>        Make a voter a learner",
    "  remove <id>        Remove a member",
    "  transfer [id]      Move leadership, by default to the most up-to-date voter",
    "  recover            Begin anew with one stopped member, when the majority is",
    "                     lost for ever (see hiqlite cluster recover --help)",
    "",
    "Options:",
    ...describeFlags(CLUSTER_FLAGS),
    "",
    "Without --url the addresses and the secret are those of the configuration,",
    "as hiqlite serve would read it here.",
  ];
}

/** Asks or changes a running cluster. */
export async function cluster(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  if (args[0] === "recover") return await recover(args.slice(1), terminal);
  const { flags, positionals } = parseFlags(args, CLUSTER_FLAGS);
  const [command, id, ...more] = positionals;
  if (command === undefined) throw new UsageError("A command is missing");
  if (more.length > 0) throw new UsageError(`Unexpected argument '${more[0]}'`);
  const flag = (name: string): string | undefined => flags.get(name)?.[0];
  const timeoutMs = 1000 * numberOf(flag("timeout") ?? "30", "--timeout");
  const ask = questionOf(command, id, flag);
  await using client = reach(flags.get("url") ?? [], flag, terminal);
  const status = await ask(client, { timeoutMs }).catch((error) => {
    throw advised(error);
  });
  const lines = flags.has("json")
    ? [JSON.stringify(clusterToJson(status), null, 2)]
    : statusLines(status);
  for (const line of lines) terminal.out(line);
  return 0;
}

type Question = (
  client: RemoteClient,
  options: { readonly timeoutMs: number },
) => Promise<ClusterStatus>;

function questionOf(
  command: string,
  id: string | undefined,
  flag: (name: string) => string | undefined,
): Question {
  const raftAddress = addressOf(flag, "raft-address");
  const apiAddress = addressOf(flag, "api-address");
  if (command !== "add-learner" && (raftAddress ?? apiAddress) !== undefined) {
    throw new UsageError("Addresses belong to add-learner");
  }
  if (apiAddress !== undefined && raftAddress === undefined) {
    throw new UsageError("--api-address needs --raft-address beside it");
  }
  switch (command) {
    case "status":
      if (id !== undefined) throw new UsageError(`Unexpected argument '${id}'`);
      return (client, options) => client.cluster(options);
    case "transfer": {
      const target = id === undefined ? undefined : numberOf(id, "The node id");
      return (client, options) => client.transferLeadership(target, options);
    }
    case "add-learner":
    case "promote":
    case "demote":
    case "remove": {
      if (id === undefined) throw new UsageError("The node id is missing");
      const request: MembershipRequest = {
        action: command,
        nodeId: numberOf(id, "The node id"),
        ...(raftAddress === undefined ? {} : { raftAddress }),
        ...(apiAddress === undefined ? {} : { apiAddress }),
      };
      return (client, options) => client.changeMembership(request, options);
    }
    default:
      throw new UsageError(`Unknown command 'cluster ${command}'`);
  }
}

/** A client for the members that the flags name, or the configuration. */
function reach(
  urls: readonly string[],
  flag: (name: string) => string | undefined,
  terminal: Terminal,
): RemoteClient {
  const secretFile = flag("secret-file");
  const secret = secretFile === undefined
    ? terminal.env.HQL_SECRET_API
    : readSecret(secretFile);
  if (urls.length > 0 && secret !== undefined && secret !== "") {
    return connect({ urls, secret });
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
  return connect({
    urls: urls.length > 0 ? urls : config.nodes.map((node) => node.api),
    secret: secret || config.secretApi,
  });
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
      `cannot read the secret in ${path}; give it with --secret-file or HQL_SECRET_API`,
      { cause },
    );
  }
}

function numberOf(text: string, what: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(
    `${what} is a number from 1 to 999999999, not '${text}'`,
  );
}

function addressOf(
  flag: (name: string) => string | undefined,
  name: string,
): string | undefined {
  const text = flag(name);
  const problem = text === undefined ? null : addressProblem(text);
  if (problem !== null) throw new UsageError(`--${name}: ${problem}`);
  return text;
}

/** What can be done about an answer. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  unauthorized: "give the right one with --secret-file or HQL_SECRET_API",
  no_leader:
    "a majority of the voters must be up, `hiqlite cluster status` shows who is",
  outcome_unknown: "`hiqlite cluster status` shows whether it was",
  timeout: "`hiqlite cluster status` shows what became of it",
  invalid: "`hiqlite cluster status` shows the members",
  conflict: "`hiqlite cluster status` shows the members",
};

function advised(error: unknown): unknown {
  const advice = error instanceof HiqliteError ? ADVICE[error.code] : undefined;
  if (advice === undefined) return error;
  const { code, message } = error as HiqliteError;
  return new HiqliteError(code, `${message}; ${advice}`, { cause: error });
}

/** A cluster as a table. */
export function statusLines(status: ClusterStatus): string[] {
  const leader = status.members.find(({ id }) => id === status.leader);
  const rows = status.members.map((member) => [
    `${member.nodeId}${member.id === status.self ? "*" : ""}`,
    member.role,
    member.connected ? "yes" : "no",
    member.matchIndex === null ? "-" : `${member.matchIndex}`,
    member.raftAddress,
    member.apiAddress,
    member.id,
  ]);
  const table = [
    ["NODE", "ROLE", "CONNECTED", "MATCH", "RAFT", "API", "MEMBER"],
    ...rows,
  ];
  const widths = table[0]!.map((_, column) =>
    Math.max(...table.map((row) => row[column]!.length))
  );
  return [
    `Cluster ${status.clusterId || "(none yet)"}, term ${status.term}, leader ${
      leader === undefined ? "unknown" : `node ${leader.nodeId}`
    }${status.joint ? ", membership is changing" : ""}`,
    `Log ${status.firstIndex}..${status.lastIndex}, committed ${status.commitIndex}, applied ${status.appliedIndex} (as node with * sees it)`,
    ...table.map((row) =>
      row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ")
        .trimEnd()
    ),
  ];
}
