import type { LogIndex } from "../raft/types.ts";
import type { Snapshot, StateMachine } from "../state/port.ts";
import { SnapshotTally } from "./snapshot_tally.ts";

/** What the service needs from its group. */
export interface SnapshotServicePorts {
  readonly machine: StateMachine;
  /** A snapshot could not be built; everyone who waits for it hears of it too. */
  failed(error: Error): void;
}

/** Somebody's use of a snapshot, from when it was asked for. */
export interface SnapshotLease {
  /** Ends the use, or stops waiting for it; idempotent. The snapshot must not be read any more. */
  release(): void;
}

/** Receives a snapshot that is readable until the lease is released. */
export type SnapshotReady = (
  error: Error | null,
  snapshot: Snapshot | null,
) => void;

/** A snapshot and how many use it. */
interface Shared {
  readonly snapshot: Snapshot;
  users: number;
}

interface User {
  readonly atLeast: LogIndex;
  readonly ready: SnapshotReady;
  /** The number of the build that it saw running when it came. */
  readonly during: number;
  /** What it uses; null while it waits. */
  shared: Shared | null;
  ended: boolean;
}

/**
 * The snapshots of one group: whoever needs one (a follower that is behind the log, a backup)
 * gets the newest that is in use, if it is new enough, and else shares the next one with all who wait.
 * One is built at a time, and the last user's release removes it.
 */
export class SnapshotService {
  /** What became of snapshots so far. */
  readonly tally: SnapshotTally = new SnapshotTally();
  readonly #ports: SnapshotServicePorts;
  readonly #inUse = new Set<Shared>();
  #newest: Shared | null = null;
  #waiting: User[] = [];
  /** What was applied when the present build began; null while there is none. */
  #buildingFrom: LogIndex | null = null;
  /** How many builds were begun. */
  #builds = 0;

  /** Builds snapshots of `ports.machine`. */
  constructor(ports: SnapshotServicePorts) {
    this.#ports = ports;
  }

  /** Whether one is being built. */
  get building(): boolean {
    return this.#buildingFrom !== null;
  }

  /** Where the oldest snapshot ends that is in use or being built: its user may need the log from there. */
  get oldest(): LogIndex | null {
    let oldest = this.#buildingFrom;
    for (const { snapshot } of this.#inUse) {
      oldest = Math.min(oldest ?? Infinity, snapshot.last.index);
    }
    return oldest;
  }

  /**
   * Lends a snapshot that contains at least the entries up to `atLeast`. `ready` is called once,
   * perhaps at once, with it or with why there is none; not after the lease was released.
   */
  use(atLeast: LogIndex, ready: SnapshotReady): SnapshotLease {
    const during = this.#buildingFrom === null ? 0 : this.#builds;
    const user: User = { atLeast, ready, during, shared: null, ended: false };
    this.#waiting.push(user);
    this.#serve();
    return { release: () => this.#release(user) };
  }

  #serve(): void {
    for (const user of [...this.#waiting]) {
      const newest = this.#newest;
      if (user.ended || user.shared !== null || newest === null) continue;
      if (newest.snapshot.last.index < user.atLeast) continue;
      this.#remove(user);
      user.shared = newest;
      newest.users++;
      user.ready(null, newest.snapshot);
    }
    if (this.#waiting.length > 0) this.#build();
  }

  #build(): void {
    if (this.#buildingFrom !== null) return;
    this.#builds++;
    this.#buildingFrom = this.#ports.machine.applied.index;
    this.#ports.machine.snapshot((error, snapshot) => {
      this.#buildingFrom = null;
      if (snapshot !== null) return this.#built(snapshot);
      const reason = error ?? new Error("The machine built no snapshot");
      this.#ports.failed(reason);
      for (const user of this.#waiting.splice(0)) user.ready(reason, null);
    });
  }

  #built(snapshot: Snapshot): void {
    this.tally.built++;
    const shared: Shared = { snapshot, users: 1 };
    this.#inUse.add(shared);
    this.#newest = shared;
    this.#refuseAhead(snapshot.last.index);
    this.#serve();
    // The service's own use ends here: without any other the snapshot goes.
    this.#leave(shared);
  }

  /** The state is not as far as they want, and was not when they asked: another build would not help now. */
  #refuseAhead(end: LogIndex): void {
    const build = this.#builds;
    for (const user of [...this.#waiting]) {
      if (user.atLeast <= end || user.during === build) continue;
      this.#remove(user);
      user.ready(
        new Error(
          `A snapshot up to entry ${user.atLeast} is wanted, the state is at ${end}`,
        ),
        null,
      );
    }
  }

  #release(user: User): void {
    if (user.ended) return;
    user.ended = true;
    this.#remove(user);
    if (user.shared !== null) this.#leave(user.shared);
  }

  #leave(shared: Shared): void {
    if (--shared.users > 0) return;
    this.#inUse.delete(shared);
    if (this.#newest === shared) this.#newest = null;
    shared.snapshot.release();
  }

  #remove(user: User): void {
    const at = this.#waiting.indexOf(user);
    if (at >= 0) this.#waiting.splice(at, 1);
  }
}
