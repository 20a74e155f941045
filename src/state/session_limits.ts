/** How much is remembered; every member must have the same. */
export interface SessionLimits {
  /** A session or an idempotency key is forgotten after this long without use, ms of the cluster clock. */
  readonly windowMs: number;
  /** More sessions than this: the longest unused one is closed. */
  readonly sessions: number;
  /** More remembered answers than this: the oldest are forgotten. */
  readonly answers: number;
  /** The same for the bytes in them. */
  readonly answerBytes: number;
  /** So many idempotency keys are remembered, with or without their answers; then new ones are refused. */
  readonly keys: number;
}

/** The usual limits. */
export const SESSION_LIMITS: SessionLimits = {
  windowMs: 60 * 60 * 1000,
  sessions: 10_000,
  answers: 100_000,
  answerBytes: 64 * 1024 * 1024,
  keys: 1_000_000,
};
