import { HiqliteError } from "../../errors.ts";
import type { LogIndex } from "../../raft/types.ts";
import type { Clock } from "../../util/clock.ts";
import { startTimer } from "../../util/timers.ts";
import type { Changes } from "../changes.ts";
import type { RaftGroup } from "../../group/group.ts";
import type { QueryAnswer, QueryRequest } from "../port.ts";
import type { SqlMachine } from "../../state/sql/port.ts";

const TIMEOUT_MS = 30_000;
const RETRY_MS = 20;

/** What reading needs from its node. */
export interface ReadPorts {
  readonly clock: Clock;
  readonly changes: Changes;
  group(): RaftGroup | null;
  /** Called before a read is asked for: a lease may have run out in a pause that nobody noticed yet. */
  touch(): void;
  machine(): SqlMachine;
  throwIfStopped(): void;
}

/** Reads of this member, local or linearizable. */
export class Reads {
  readonly #ports: ReadPorts;

  /** Reads through `ports`. */
  constructor(ports: ReadPorts) {
    this.#ports = ports;
  }

  /** See {@linkcode Member.query}. */
  async query(request: QueryRequest): Promise<QueryAnswer> {
    const timeoutMs = request.limits?.timeoutMs ?? TIMEOUT_MS;
    const deadline = this.#ports.clock.monotonic() + timeoutMs;
    let wanted = request.minIndex ?? 0;
    if (request.consistency === "linearizable") {
      wanted = Math.max(wanted, await this.#readIndex(deadline));
    }
    const machine = this.#ports.machine();
    if (machine.applied.index < wanted) await this.#applied(wanted, deadline);
    const before = machine.applied.index;
    const { columns, rows, index } = await machine.query(request);
    return { columns, rows, index: index ?? before };
  }

  async #readIndex(deadline: number): Promise<LogIndex> {
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

  #applied(index: LogIndex, deadline: number): Promise<void> {
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
      const timer = startTimer(() => {
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
