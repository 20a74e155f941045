import { trustedFetch } from "../client/trust.ts";
import { whyUnsent } from "../client/unsent.ts";
import { HiqliteError } from "../errors.ts";
import {
  countOf,
  describeFlags,
  type Flag,
  parseFlags,
  refuseArguments,
  UsageError,
} from "./arguments.ts";
import { dashboardLink } from "./dashboard_link.ts";
import { REACH_FLAGS, reachable } from "./reachable.ts";
import type { Terminal } from "./terminal.ts";

/** Longest wait for a member, s. */
const TIMEOUT_S = 10;

const FLAGS: Readonly<Record<string, Flag>> = {
  ...REACH_FLAGS,
  timeout: { value: "seconds", about: `Longest wait [${TIMEOUT_S}]` },
  help: { short: "h", about: "Show this" },
};

/** The help of `hiqlite open`. */
export function openHelp(): string[] {
  return [
    "Usage: hiqlite open [options]",
    "",
    "Prints an address of the dashboard that signs in without a password: once,",
    "within a minute, with all rights. The first member that answers makes it.",
    "It is good at every member, and through a proxy. While nobody leads it is good",
    "at the member that made it alone.",
    "",
    "Options:",
    ...describeFlags(FLAGS),
  ];
}

/** Prints a link that signs in to the dashboard. */
export async function openDashboard(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals } = parseFlags(args, FLAGS);
  refuseArguments(positionals);
  const members = reachable(flags, terminal);
  const timeoutMs = 1000 * (countOf(flags, "timeout") ?? TIMEOUT_S);
  const trusted = trustedFetch(members);
  try {
    let problem: unknown = new UsageError("No member is named: give --url");
    for (const url of members.urls) {
      try {
        const address = await dashboardLink(url, {
          secret: members.secret,
          fetch: trusted.fetch,
          signal: AbortSignal.timeout(timeoutMs),
        });
        terminal.out(address);
        return 0;
      } catch (error) {
        const why = whyUnsent(error);
        problem = why === null
          ? error
          : new HiqliteError("no_leader", `${url} ${why.message}`, {
            cause: error,
          });
      }
    }
    throw problem;
  } finally {
    trusted.close();
  }
}
