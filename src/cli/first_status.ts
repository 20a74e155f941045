import type { ClusterView } from "./cluster_view.ts";
import { connect } from "../client/remote.ts";
import { HiqliteError } from "../errors.ts";
import type { Reachable } from "./reachable.ts";
import type { Terminal } from "./terminal.ts";

/** Without an answer after this time, the user is told, ms. */
export const REACH_MS = 1500;

/** No member answered, not even with an error. */
export class NobodyReached extends HiqliteError {
  override readonly name = "NobodyReached";

  /** `attempts` says of each address what became of it. */
  constructor(attempts: readonly string[], timeoutMs: number) {
    super(
      "timeout",
      `No member answered within ${timeoutMs / 1000} s. Asked: ${
        attempts.join("; ")
      }. Start one of them, or give the API address of another with --url`,
    );
  }
}

/**
 * The status that the fastest member gives. All are asked at once, so that one
 * that is silent does not hide the others.
 *
 * @throws {NobodyReached} after `timeoutMs`
 * @throws {HiqliteError} as a member says, e.g. `unauthorized`
 */
export async function firstStatus(
  members: Reachable,
  timeoutMs: number,
  terminal: Terminal,
): Promise<ClusterView> {
  const { urls } = members;
  const clients = [...new Set(urls)].map((url) =>
    connect({ ...members, urls: [url], timeoutMs })
  );
  const timer = timeoutMs > REACH_MS
    ? setTimeout(() => terminal.error(waiting(urls, timeoutMs)), REACH_MS)
    : undefined;
  const answers = clients.map(async (client) => {
    const [status, sights] = await Promise.all([
      client.cluster(),
      client.memberReports(),
    ]);
    return { status, sights };
  });
  try {
    return await Promise.any(answers);
  } catch (failed) {
    throw verdict((failed as AggregateError).errors, timeoutMs);
  } finally {
    clearTimeout(timer);
    await Promise.all(clients.map((client) => client.shutdown()));
    await Promise.allSettled(answers);
  }
}

function waiting(urls: readonly string[], timeoutMs: number): string {
  return `hiqlite cluster: No answer yet from ${
    urls.join(", ")
  }; waiting for up to ${timeoutMs / 1000} s`;
}

/** A member's own word says more than the silence of others. */
function verdict(errors: readonly HiqliteError[], timeoutMs: number): Error {
  // A status needs no leader, so `no_leader` tells of refused connections only.
  const said = errors.find(({ code }) =>
    code !== "timeout" && code !== "no_leader"
  );
  if (said !== undefined) return said;
  const attempts = errors.map((error) =>
    error.code === "timeout" && error.cause instanceof Error
      ? error.cause.message
      : error.message
  );
  return new NobodyReached(attempts, timeoutMs);
}
