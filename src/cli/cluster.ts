import type { ClusterStatus, MembershipRequest } from "../node/port.ts";
import { type Client, connect } from "../client/remote.ts";
import {
  describeFlags,
  type Flag,
  parseFlags,
  UnknownCommandError,
  UsageError,
} from "./arguments.ts";
import { clusterToJson } from "../api/cluster_status.ts";
import { showEvents } from "./cluster_events.ts";
import { statusLines } from "./cluster_table.ts";
import { showCluster, watchCluster } from "./cluster_watch.ts";
import { NobodyReached, REACH_MS } from "./first_status.ts";
import { REACH_FLAGS, type Reachable, reachable } from "./reachable.ts";
import { type ErrorCode, HiqliteError } from "../errors.ts";
import { addressProblem } from "../config/address.ts";
import { recover, recoverHelp } from "./recover.ts";
import type { Terminal } from "./terminal.ts";

/** Longest wait for a change, ms. */
const CHANGE_MS = 30_000;

export const CLUSTER_FLAGS: Readonly<Record<string, Flag>> = {
  ...REACH_FLAGS,
  "raft-address": {
    value: "host:port",
    about: "Of a new member (add-learner)",
  },
  "api-address": { value: "host:port", about: "Of a new member (add-learner)" },
  timeout: {
    value: "seconds",
    about: `Longest wait [30; of status ${REACH_MS / 1000}]`,
  },
  json: { about: "Answer in JSON" },
  watch: { about: "Show it every second until Ctrl-C (status, events)" },
  limit: { value: "n", about: "The newest so many, up to 2000 (events) [50]" },
  help: { short: "h", about: "Show this" },
};

/** The help of `hiqlite cluster`, or of one of its commands. */
export function clusterHelp(command?: string): string[] {
  if (command === "recover") return recoverHelp();
  return [
    "Usage: hiqlite cluster <command> [options]",
    "",
    "Commands:",
    "  status             Show the members as one of them sees them, and how they are",
    "  events             Show what happened to the members",
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
    "",
    "Exit codes of status: 0 healthy, 4 degraded, 5 no quorum, 1 nobody answered.",
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
  const seconds = flag("timeout");
  const timeoutMs = seconds === undefined
    ? undefined
    : 1000 * numberOf(seconds, "--timeout");
  const json = flags.has("json");
  if (command === "status" || command === "events") {
    if (id !== undefined) throw new UsageError(`Unexpected argument '${id}'`);
    const watch = flags.has("watch");
    const limit = limitOf(command, flag("limit"));
    refuseAddresses(flag);
    const members = reachable(flags, terminal);
    const show = watch ? watchCluster : showCluster;
    return await (command === "status"
      ? show(members, { json, timeoutMs: timeoutMs ?? REACH_MS }, terminal)
      : showEvents(members, {
        json,
        watch,
        limit,
        timeoutMs: timeoutMs ?? CHANGE_MS,
      }, terminal)).catch(advise);
  }
  const change = changeOf(command, id, flag);
  if (flags.has("watch") || flags.has("limit")) {
    throw new UsageError("--watch and --limit belong to status and events");
  }
  const members = reachable(flags, terminal);
  const status = await changed(members, change, timeoutMs ?? CHANGE_MS)
    .catch(advise);
  const lines = json
    ? [JSON.stringify(clusterToJson(status), null, 2)]
    : statusLines(status);
  for (const line of lines) terminal.out(line);
  return 0;
}

/** A change of the cluster. */
type Change = (
  client: Client,
  options: { readonly timeoutMs: number },
) => Promise<ClusterStatus>;

async function changed(
  members: Reachable,
  change: Change,
  timeoutMs: number,
): Promise<ClusterStatus> {
  await using client = connect(members);
  return await change(client, { timeoutMs });
}

function limitOf(command: string, text: string | undefined): number {
  if (text === undefined) return 50;
  if (command !== "events") throw new UsageError("--limit belongs to events");
  const limit = numberOf(text, "--limit");
  if (limit <= 2_000) return limit;
  throw new UsageError(`--limit is 2000 at most, not '${text}'`);
}

function refuseAddresses(flag: (name: string) => string | undefined): void {
  if ((flag("raft-address") ?? flag("api-address")) === undefined) return;
  throw new UsageError("Addresses belong to add-learner");
}

/** What a command changes. @throws {UsageError} */
function changeOf(
  command: string,
  id: string | undefined,
  flag: (name: string) => string | undefined,
): Change {
  const raftAddress = addressOf(flag, "raft-address");
  const apiAddress = addressOf(flag, "api-address");
  if (command !== "add-learner") refuseAddresses(flag);
  if (apiAddress !== undefined && raftAddress === undefined) {
    throw new UsageError("--api-address needs --raft-address beside it");
  }
  switch (command) {
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
      throw new UnknownCommandError("cluster", command);
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

/** What can be done about an error. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  unauthorized: "give the right one with --secret-file or HQL_SECRET_API",
  no_leader:
    "a majority of the voters must be up; `hiqlite cluster status` shows which are",
  outcome_unknown: "`hiqlite cluster status` shows whether it was",
  timeout: "`hiqlite cluster status` shows what became of it",
  invalid: "`hiqlite cluster status` shows the members",
  conflict: "`hiqlite cluster status` shows the members",
};

/** Throws the error again, with what can be done about it. */
function advise(error: unknown): never {
  const advice =
    error instanceof HiqliteError && !(error instanceof NobodyReached)
      ? ADVICE[error.code]
      : undefined;
  if (advice === undefined) throw error;
  const { code, message } = error as HiqliteError;
  throw new HiqliteError(code, `${message}; ${advice}`, { cause: error });
}
