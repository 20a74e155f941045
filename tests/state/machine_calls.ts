import type { Snapshot, StateMachine } from "../../src/state/port.ts";

/** What a call with a callback comes to. */
export function settled(
  start: (done: (error: Error | null) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) =>
    start((error) => error === null ? resolve() : reject(error))
  );
}

/** Makes durable what was applied; up to which index. */
export function checkpointOf(
  machine: Pick<StateMachine, "checkpoint">,
): Promise<number> {
  return new Promise((resolve, reject) =>
    machine.checkpoint((error, durable) =>
      error === null ? resolve(durable) : reject(error)
    )
  );
}

/** Takes a snapshot, which the caller closes. */
export function snapshotOf(
  machine: Pick<StateMachine, "snapshot">,
): Promise<Snapshot> {
  return new Promise((resolve, reject) =>
    machine.snapshot((error, snapshot) =>
      error === null ? resolve(snapshot!) : reject(error)
    )
  );
}
