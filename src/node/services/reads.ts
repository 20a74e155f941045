import type { QueryAnswer, QueryRequest, RowStream } from "../port.ts";
import type { SqlMachine } from "../../state/sql/port.ts";
import { HiqliteError } from "../../errors.ts";
import type { LogIndex } from "../../raft/types.ts";
import { Freshness, type FreshnessPorts } from "./freshness.ts";

const TIMEOUT_MS = 30_000;
const RETRY_MS = 20;

/** What reading needs from its node. */
export interface ReadPorts extends FreshnessPorts {
  machine(): SqlMachine;
  /** Whether the state tells nothing of the cluster's yet. */
  blank(): boolean;
}

/** Reads of this member, local or linearizable. */
export class Reads {
  readonly #ports: ReadPorts;
  readonly #freshness: Freshness;

  /** Reads through `ports`. */
  constructor(ports: ReadPorts) {
    this.#ports = ports;
    this.#freshness = new Freshness(ports);
  }

  /** See {@linkcode Member.query}. */
  async query(request: QueryRequest): Promise<QueryAnswer> {
    const machine = await this.#fresh(request);
    const before = machine.applied.index;
    const { columns, rows, index } = await machine.query(request);
    return { columns, rows, index: index ?? before };
  }

  /** See {@linkcode Member.rows}. */
  async rows(request: QueryRequest): Promise<RowStream> {
    return await (await this.#fresh(request)).rows(request);
  }

  /** The machine, once it is as fresh as a request wants it. */
  async #fresh(request: QueryRequest): Promise<SqlMachine> {
    const timeoutMs = request.limits?.timeoutMs ?? TIMEOUT_MS;
    const deadline = this.#ports.clock.monotonic() + timeoutMs;
    let wanted = request.minIndex ?? 0;
    if (request.consistency === "linearizable") {
      wanted = Math.max(wanted, await this.#freshness.readIndex(deadline));
    }
    if (this.#ports.blank()) await this.filled(deadline);
    const machine = this.#ports.machine();
    if (machine.applied.index < this.answered) {
      await this.#freshness.answered(deadline);
    }
    if (machine.applied.index < wanted) {
      await this.#freshness.applied(wanted, deadline);
    }
    return machine;
  }

  /** Up to here writes of this member's clients were answered: they see them. */
  get answered(): LogIndex {
    return this.#ports.group()?.answered ?? 0;
  }

  /**
   * Until the state is one of the cluster's; by the monotonic clock.
   * @throws {HiqliteError} `no_leader` if it is none until `deadline`.
   */
  async filled(deadline: number): Promise<void> {
    const { blank, changes, clock, throwIfStopped } = this.#ports;
    while (blank()) {
      throwIfStopped();
      if (clock.monotonic() >= deadline) throw stillBlank();
      await changes.next(RETRY_MS);
    }
  }

  /** @throws {HiqliteError} `no_leader` if the state tells nothing of the cluster's yet. */
  throwIfBlank(): void {
    if (this.#ports.blank()) throw stillBlank();
  }
}

function stillBlank(): HiqliteError {
  return new HiqliteError(
    "no_leader",
    "This member began empty and does not have the cluster's data yet: ask another one, or again later",
  );
}
