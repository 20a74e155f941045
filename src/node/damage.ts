import { LogError } from "../log/port.ts";
import { StateDamagedError } from "../state/port.ts";

/** Whether what is on the disk is damaged, rather than out of reach. */
export function isDamage(error: unknown): error is Error {
  return error instanceof StateDamagedError || isLogDamage(error);
}

/** Whether it is the log. */
export function isLogDamage(error: unknown): error is LogError {
  return error instanceof LogError && error.failure === "corrupt";
}
