import { HiqliteError } from "../../errors.ts";
import type { RaftGroup } from "../../group/group.ts";
import type { LogIndex } from "../../raft/types.ts";
import type { Clock } from "../../util/clock.ts";
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
  applied(index: LogIndex, deadline: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const group = this.#ports.group();
      const late = (): void =>
        reject(
          new HiqliteError(
            "timeout",
            `This member has not applied index ${index} in time`,
          ),
        );
      if (group === null) return late();
      const timer = setTimeout(() => {
        end();
        late();
      }, Math.max(0, deadline - this.#ports.clock.monotonic()));
      const end = group.whenApplied(index, (applied) => {
        clearTimeout(timer);
        if (applied) resolve();
        else late();
      });
    });
  }
}
