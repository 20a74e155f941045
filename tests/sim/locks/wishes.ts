import { ALL_PERMITS, type LockWish } from "../../../src/state/locks/types.ts";
import type { Draw } from "../draw.ts";
import type { Plan } from "../plan.ts";

/** The longest wait, ms. */
const WAIT_MS_MAX = 20_000;

/** How long a lease lives: from less than an election takes to a few of them. */
export function wishLease(draw: Draw, { tickMs, raft }: Plan): number {
  const electionMs = tickMs * raft.electionTicks;
  return Math.max(100, Math.floor(electionMs * draw.between(0.3, 8)));
}

/** A wish for a lock of some kind: for one holder, for some, for readers and writers. */
export function drawWish(
  draw: Draw,
  plan: Plan,
  owner: string,
  lease: number | null,
): LockWish {
  const electionMs = plan.tickMs * plan.raft.electionTicks;
  const waits = draw.chance(0.75);
  const waitMs = waits
    ? Math.min(WAIT_MS_MAX, Math.ceil(electionMs * draw.between(1, 40)))
    : 0;
  const own = lease === null || draw.chance(0.3);
  return {
    ...drawKind(draw),
    lease: own ? { ttlMs: wishLease(draw, plan), owner } : { id: lease },
    waitMs,
    value: "",
  };
}

function drawKind(draw: Draw): Pick<LockWish, "name" | "permits" | "limit"> {
  const kind = draw.pick(["one", "one", "some", "rw"] as const);
  switch (kind) {
    case "one":
      return { name: `one ${draw.int(1, 2)}`, permits: 1, limit: 1 };
    case "some":
      return {
        name: "some",
        permits: draw.int(1, 2),
        limit: draw.chance(0.03) ? 5 : 3,
      };
    case "rw":
      return {
        name: "rw",
        permits: draw.chance(0.7) ? 1 : ALL_PERMITS,
        limit: ALL_PERMITS,
      };
  }
}
