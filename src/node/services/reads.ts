import type { QueryAnswer, QueryRequest, RowStream } from "../port.ts";
import type { SqlMachine } from "../../state/sql/port.ts";
import { Freshness, type FreshnessPorts } from "./freshness.ts";

const TIMEOUT_MS = 30_000;

/** What reading needs from its node. */
export interface ReadPorts extends FreshnessPorts {
  machine(): SqlMachine;
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
    const machine = this.#ports.machine();
    if (machine.applied.index < wanted) {
      await this.#freshness.applied(wanted, deadline);
    }
    return machine;
  }
}
