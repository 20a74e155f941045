import type { NodeConfig } from "../config/types.ts";
import { HiqliteError } from "../errors.ts";
import type { Clock } from "../util/clock.ts";
import type { Changes } from "./changes.ts";
import type { HealthStatus } from "./port.ts";

/**
 * Resolves when `look` finds the member ready for traffic.
 * @throws what `look` finds instead; {@linkcode HiqliteError} `timeout` if `timeoutMs` is over.
 */
export async function untilReady(
  look: () => HealthStatus | Error,
  timeoutMs: number,
  { clock, config, changes }: {
    readonly clock: Clock;
    readonly config: Pick<NodeConfig, "tickMs">;
    readonly changes: Changes;
  },
): Promise<void> {
  const deadline = clock.monotonic() + timeoutMs;
  for (;;) {
    const found = look();
    if (found instanceof Error) throw found;
    if (found.ok) return;
    const left = deadline - clock.monotonic();
    if (left <= 0) {
      throw new HiqliteError(
        "timeout",
        `The member is not ready after ${timeoutMs} ms: ${found.detail}`,
      );
    }
    await changes.next(Math.min(left, config.tickMs));
  }
}
