/** Something in a history that a correct system cannot have done. */
export interface Violation {
  /** The anomaly's name in the literature, or what the workload calls it. */
  readonly anomaly: string;
  /** Which operations show it. */
  readonly message: string;
}
