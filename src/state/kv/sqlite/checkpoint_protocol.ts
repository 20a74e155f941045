/** What the Worker that makes checkpoints is started with. */
export interface CheckpointOptions {
  /** The file. */
  readonly path: string;
}

/** What it is asked to do. */
export const CheckpointRequest = {
  /** Make durable what is committed, and write of the WAL into the file what can be written now. */
  durable: 0,
  /** Write the rest, and have the WAL begin anew; nobody writes meanwhile. */
  restart: 1,
} as const;
