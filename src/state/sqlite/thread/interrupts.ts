/** By what another thread interrupts the statements that run here. */
export interface Interrupts {
  /** Runs `work`, which nobody interrupts but who had begun to before. */
  spare(work: () => void): void;
}

/** Nobody interrupts anything. */
export const NO_INTERRUPTS: Interrupts = { spare: (work) => work() };
