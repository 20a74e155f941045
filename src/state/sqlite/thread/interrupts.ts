import { interruptedError, isInterrupt } from "../driver/result_codes.ts";

/** By what another thread interrupts the statements that run here. */
export interface Interrupts {
  /** Changes with every interrupt, before that is heard. */
  readonly count: number;
  /** Runs `work`, which nobody interrupts; a statement that is still open hears one from before. What can be interrupted after it may be another connection. */
  spare(work: () => void): void;
}

/** Nobody interrupts anything. */
export const NO_INTERRUPTS: Interrupts = { count: 0, spare: (work) => work() };

/**
 * Runs `work`, whose outcome is not to be believed if it was interrupted: virtual tables take an interrupt for damage,
 * or for an error of the statement.
 * @throws {SqliteError} that it was interrupted.
 */
export function heedInterrupts<T>(interrupts: Interrupts, work: () => T): T {
  const { count } = interrupts;
  try {
    const result = work();
    if (interrupts.count === count) return result;
  } catch (error) {
    if (interrupts.count === count) throw error;
  }
  throw interruptedError();
}

/** Undoes what may have been interrupted; `undo` begins anew when it was hit by an interrupt that was on its way. */
export function undoSpared(interrupts: Interrupts, undo: () => void): void {
  interrupts.spare(() => {
    try {
      undo();
    } catch (error) {
      if (!isInterrupt(error)) throw error;
      undo();
    }
  });
}
