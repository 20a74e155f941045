import { HiqliteError } from "../../errors.ts";
import type { RaftGroup } from "../../group/group.ts";
import type { LogIndex } from "../../raft/types.ts";
import type { Clock } from "../../util/clock.ts";
import { startTimer } from "../../util/timers.ts";
import type { Changes } from "../changes.ts";

const RETRY_MS = 20;

/** What waiting for a fresh state needs from its node. */
export interface FreshnessPorts {
  readonly clock: Clock;
  readonly changes: Changes;
  group(): RaftGroup | null;
  /** Called before a read is asked for: a lease may have run out in a pause that nobody noticed yet. */
  touch(): void;
  throwIfStopped(): void;
}

/** Waits until a group's state on this member is as fresh as a read wants it. */
export class Freshness {
  readonly #ports: FreshnessPorts;

  /** Of the group in `ports`. */
  constructor(ports: FreshnessPorts) {
    this.#ports = ports;
  }

  /**
   * The index that a linearizable read must find applied.
   * @throws {HiqliteError} `no_leader` if none confirmed it until `deadline`, by the monotonic clock.
   */
  async readIndex(deadline: number): Promise<LogIndex> {
    for (;;) {
      this.#ports.touch();
      const group = this.#ports.group();
      if (group !== null) {
        const index = await new Promise<LogIndex | null>((resolve) =>
          group.readIndex(resolve)
        );
        if (index !== null) return index;
      }
      this.#ports.throwIfStopped();
      if (this.#ports.clock.monotonic() >= deadline) {
        throw new HiqliteError(
          "no_leader",
          "No leader confirmed the read in time: use consistency `local` if stale data will do",
        );
      }
      await this.#ports.changes.next(RETRY_MS);
    }
  }

  /**
   * Resolves once `index` is applied here.
   * @throws {HiqliteError} `timeout` if it is not until `deadline`.
   */
  async applied(index: LogIndex, deadline: number): Promise<void> {
    if (!await this.#applied(index, deadline)) throw late(index);
  }

  /**
   * The same for what this member answered before it was in its state; without room it resolves, too, since reads go on
   * on a full disk.
   * @throws {HiqliteError} `timeout` if it is not until `deadline`.
   */
  async answered(deadline: number): Promise<void> {
    const group = this.#ports.group();
    if (group === null || group.machine.applied.index >= group.answered) return;
    await this.#applied(group.answered, deadline);
  }

  /** False if the wait was given up. */
  #applied(index: LogIndex, deadline: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const group = this.#ports.group();
      if (group === null) return resolve(false);
      const timer = startTimer(() => {
        end();
        reject(late(index));
      }, Math.max(0, deadline - this.#ports.clock.monotonic()));
      const end = group.whenApplied(index, (applied) => {
        clearTimeout(timer);
        resolve(applied);
      });
    });
  }
}

function late(index: LogIndex): HiqliteError {
  return new HiqliteError(
    "timeout",
    `This member has not applied index ${index} in time`,
  );
}
