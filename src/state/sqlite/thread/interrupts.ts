import { isInterrupt } from "../driver/result_codes.ts";

/** By what another thread interrupts the statements that run here. */
export interface Interrupts {
  /** Runs `work`, which nobody interrupts; a statement that is still open hears one from before. What can be interrupted after it may be another connection. */
  spare(work: () => void): void;
}

/** Nobody interrupts anything. */
export const NO_INTERRUPTS: Interrupts = { spare: (work) => work() };

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
