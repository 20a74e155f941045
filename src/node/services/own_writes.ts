import type { RaftGroup } from "../../group/group.ts";
import type { LogIndex } from "../../raft/types.ts";
import type { Clock } from "../../util/clock.ts";
import { DeadlineWaiters } from "../../util/deadline_waiters.ts";

/** What waiting for one's own writes needs from its node. */
export interface OwnWritesPorts {
  readonly clock: Clock;
  group(): RaftGroup | null;
}

/** Has callers read their own writes on this member: their answers wait until the writes are applied here, too, or reads do. */
export class OwnWrites {
  readonly #ports: OwnWritesPorts;
  readonly #waiters = new DeadlineWaiters();

  /** Of the group in `ports`. */
  constructor(ports: OwnWritesPorts) {
    this.#ports = ports;
  }

  /** As {@linkcode applied}, and at once if reads here wait for it ({@linkcode RaftGroup.answered}). */
  seen<T extends { readonly index: LogIndex }>(
    answer: T,
    deadline: number,
  ): T | Promise<T> {
    const answered = this.#ports.group()?.answered ?? 0;
    return answered >= answer.index ? answer : this.applied(answer, deadline);
  }

  /** An answer, once its write is applied here, too; at once if it is. The answer is known, and goes out until `deadline`. */
  applied<T extends { readonly index: LogIndex }>(
    answer: T,
    deadline: number,
  ): T | Promise<T> {
    const { index } = answer;
    // None while the member is rebuilt: the write is committed, its answer is the leader's.
    const group = this.#ports.group();
    if (group === null || group.machine.applied.index >= index) return answer;
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiters.delete(waiter);
        resolve(answer);
      };
      const late = (): void => {
        end();
        done();
      };
      const waiter = { deadline, late };
      this.#waiters.add(waiter);
      const end = group.whenApplied(index, done);
    });
  }

  /** Ends waits whose time is over. Call it a few times a second. */
  tick(): void {
    this.#waiters.tick(this.#ports.clock.monotonic());
  }
}
