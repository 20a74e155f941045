import type { Clock } from "../../util/clock.ts";
import type { Changes } from "../changes.ts";
import type { RaftGroup } from "../../group/group.ts";

/** How long a stopping leader looks for a successor. */
const TRANSFER_MS = 1_500;
/** How long a stopping member waits for writes that were begun. */
const DRAIN_MS = 5_000;
/** How long a stopping member waits to be let go by groups that live in memory. */
const LEAVE_MS = 4_000;
const LOOK_MS = 10;

/** What a departure needs from its node. */
export interface DeparturePorts {
  readonly clock: Clock;
  readonly changes: Changes;
  /** The loops that this member takes part in. */
  running(): Iterable<RaftGroup>;
  /** Asks to be let go by groups that live in memory; whether that is done, as far as it can be. */
  leave(): boolean;
  /** Writes of callers that are not answered yet. */
  outstanding(): number;
}

/**
 * Leaves nothing behind that another member could take over: leadership first, then its vote where it would
 * be forgotten, then writes that were begun.
 */
export async function depart(ports: DeparturePorts): Promise<void> {
  await handOver(ports);
  await whileTrue(ports, LEAVE_MS, () => !ports.leave());
  await drain(ports);
}

/** A leader with company moves its leadership before it goes, in every group. */
async function handOver(ports: DeparturePorts): Promise<void> {
  const moving = [...ports.running()].filter((group) =>
    group.core.role === "leader" && group.core.config.voters.length > 1 &&
    group.transferLeadership(null).kind === "done"
  );
  await whileTrue(
    ports,
    TRANSFER_MS,
    () => moving.some(({ core }) => core.role === "leader"),
  );
}

/** Lets writes that were begun here find their fate, with the next leader if leadership has moved. */
function drain(ports: DeparturePorts): Promise<void> {
  return whileTrue(ports, DRAIN_MS, () => {
    let pending = ports.outstanding();
    for (const group of ports.running()) pending += group.pendingProposals;
    return pending > 0;
  });
}

async function whileTrue(
  { clock, changes }: DeparturePorts,
  limitMs: number,
  condition: () => boolean,
): Promise<void> {
  const end = clock.monotonic() + limitMs;
  while (condition() && clock.monotonic() < end) await changes.next(LOOK_MS);
}
