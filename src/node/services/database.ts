import { HiqliteError } from "../../errors.ts";
import { writeCommand } from "../../state/sql/command.ts";
import { resultOf } from "../../state/sql/result.ts";
import { validateCommand } from "../../state/sql/validate.ts";
import type { Proposer } from "../groups/proposer.ts";
import type {
  QueryAnswer,
  QueryRequest,
  WriteAnswer,
  WriteRequest,
} from "../port.ts";
import { OwnWrites } from "./own_writes.ts";
import { type ReadPorts, Reads } from "./reads.ts";

/** A write that a leader took may run this long. */
const TIMEOUT_MS = 120_000;

/** The most that a write can ask for; the leader allows less. */
const RUN_MS_MAX = 2 ** 32 - 1;

/** What the database needs from its node. */
export interface DatabasePorts extends ReadPorts {
  readonly proposer: Proposer;
}

/** SQL on the database's group: writes through the log, reads from this member's state. */
export class Database {
  readonly #ports: DatabasePorts;
  readonly #reads: Reads;
  readonly #ownWrites: OwnWrites;

  /** Reads and writes through `ports`. */
  constructor(ports: DatabasePorts) {
    this.#ports = ports;
    this.#reads = new Reads(ports);
    this.#ownWrites = new OwnWrites(ports);
  }

  /** See {@linkcode Member.write}. */
  async write(request: WriteRequest): Promise<WriteAnswer> {
    const { body, idempotencyKey = "", timeoutMs = TIMEOUT_MS } = request;
    validateCommand(body);
    const { maxRunMs = body.kind === "migrate" ? RUN_MS_MAX : 0 } = request;
    checkRunLimit(request.maxRunMs);
    const { clock, proposer } = this.#ports;
    const deadline = clock.monotonic() + timeoutMs;
    const answer = await proposer.propose({
      body: (writer) => writeCommand(writer, body),
      idempotencyKey,
      maxRunMs,
      timeoutMs,
    });
    const { index } = answer;
    if (!this.#ownWrites.hasApplied(index)) {
      await this.#ownWrites.applied(index, deadline);
    }
    return { index, result: resultOf(answer) };
  }

  /** See {@linkcode Member.query}. */
  query(request: QueryRequest): Promise<QueryAnswer> {
    return this.#reads.query(request);
  }

  /** Ends waits whose time is over. Call it a few times a second. */
  tick(): void {
    this.#ownWrites.tick();
  }
}

/** @throws {HiqliteError} `invalid` */
function checkRunLimit(maxRunMs: number | undefined): void {
  if (maxRunMs === undefined) return;
  if (
    Number.isInteger(maxRunMs) && maxRunMs >= 1 && maxRunMs <= RUN_MS_MAX
  ) return;
  throw new HiqliteError(
    "invalid",
    `maxRunMs: expected an integer from 1 to ${RUN_MS_MAX}, got ${maxRunMs}`,
  );
}
