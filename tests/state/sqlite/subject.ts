import { decodeAnswer } from "../../../src/state/answer.ts";
import {
  type Envelope,
  type EnvelopeKind,
  NO_IDENTITY,
} from "../../../src/state/envelope.ts";
import {
  type EntryCommand,
  writeCommand,
} from "../../../src/state/sql/command.ts";
import { resultOf } from "../../../src/state/sql/result.ts";
import type { Snapshot } from "../../../src/state/port.ts";
import type { SqliteMachine } from "../../../src/state/sqlite/machine.ts";
import { openSqliteMachine } from "../../../src/state/sqlite/open_machine.ts";
import type { SqliteMachineOptions } from "../../../src/state/sqlite/options.ts";
import { encodeEnvelope } from "../envelopes.ts";
import { checkpointOf, snapshotOf } from "../machine_calls.ts";
import type {
  CommandBody,
  CommandResult,
  SqlParameters,
  SqlValue,
} from "../../../src/state/sql/types.ts";
import { type Entry, EntryKind } from "../../../src/raft/types.ts";
import { presentSpec } from "./drivers.ts";
import { silentLogger } from "../../../src/util/logger.ts";

/** A moment in 2023 that the entries of tests start from. */
export const START_MS = 1_700_000_000_000;

/** What a test says of a command beside its body. */
export type Rest = Partial<Omit<Envelope, "kind" | "body">>;

/** A command, or an envelope without one. */
export type Asked = EntryCommand | {
  readonly kind: Exclude<EnvelopeKind, "command" | "fact" | "refusal">;
};

/** A command with defaults for what a test does not care about. */
export function command(asked: Asked, rest: Rest = {}): Uint8Array {
  const head = {
    ...NO_IDENTITY,
    clockMs: 0,
    timeMs: START_MS,
    seed: [1, 2] as const,
    ...rest,
  };
  switch (asked.kind) {
    case "openSession":
    case "closeSession":
    case "clock":
      return encodeEnvelope({ ...head, kind: asked.kind });
    default:
      return encodeEnvelope(
        { ...head, kind: "command" },
        (writer) => writeCommand(writer, asked),
      );
  }
}

/** What an answer says, and at which index the command was first applied. */
export function answered(
  bytes: Uint8Array,
): { index: number; result: CommandResult } {
  const answer = decodeAnswer(bytes);
  const { index, refusal, body } = answer;
  if (refusal === null && body.length === 0) {
    return { index, result: { ok: true, results: [] } };
  }
  return { index, result: resultOf(answer) };
}

/** A body that executes one statement. */
export function execute(sql: string, params?: SqlParameters): CommandBody {
  return {
    kind: "execute",
    statement: params === undefined ? { sql } : { sql, params },
  };
}

/** A body that executes statements as one transaction. */
export function txn(
  ...statements: (string | { sql: string; params?: SqlParameters })[]
): CommandBody {
  return {
    kind: "txn",
    statements: statements.map((s) => typeof s === "string" ? { sql: s } : s),
  };
}

/** A machine on a temporary folder, with promises instead of callbacks and the log's indexes kept. */
export class Subject {
  readonly dir: string;
  #options: SqliteMachineOptions;
  machine: SqliteMachine;

  private constructor(options: SqliteMachineOptions, machine: SqliteMachine) {
    this.dir = options.dir;
    this.#options = options;
    this.machine = machine;
  }

  static async open(
    options: Partial<SqliteMachineOptions> = {},
  ): Promise<Subject> {
    const full: SqliteMachineOptions = {
      dir: options.dir ?? await Deno.makeTempDir({ prefix: "hql-state-" }),
      filename: "test.db",
      readPoolSize: 1,
      driver: presentSpec(),
      logger: silentLogger,
      ...options,
    };
    const { machine } = await openSqliteMachine(full);
    return new Subject(full, machine);
  }

  /** The entries that come next, for these commands. */
  entries(payloads: readonly Uint8Array[]): Entry[] {
    const first = this.machine.applied.index + 1;
    return payloads.map((payload, i) => ({
      index: first + i,
      term: 1,
      kind: EntryKind.command,
      payload,
    }));
  }

  /** Applies entries as one batch; the encoded answers. */
  applyEntries(entries: readonly Entry[]): Promise<readonly Uint8Array[]> {
    return new Promise((resolve, reject) =>
      this.machine.apply(
        entries,
        true,
        (error, answers) => error === null ? resolve(answers) : reject(error),
      )
    );
  }

  /** Applies commands as one batch. */
  async apply(...payloads: Uint8Array[]): Promise<CommandResult[]> {
    const answers = await this.applyEntries(this.entries(payloads));
    return answers.map((answer) => answered(answer).result);
  }

  /** Applies one command. */
  async run(
    body: Asked,
    rest: Rest = {},
  ): Promise<CommandResult> {
    return (await this.apply(command(body, rest)))[0]!;
  }

  /** Executes a statement that must succeed. */
  async execute(sql: string, params?: SqlParameters): Promise<CommandResult> {
    const result = await this.run(execute(sql, params));
    if (!result.ok) throw new Error(`${sql}: ${result.error.message}`);
    return result;
  }

  /** Rows of a query. */
  rows(sql: string, params?: SqlParameters): readonly (readonly SqlValue[])[] {
    return this.machine.querySync(sql, params).rows;
  }

  checkpoint(): Promise<number> {
    return checkpointOf(this.machine);
  }

  snapshot(): Promise<Snapshot> {
    return snapshotOf(this.machine);
  }

  /** Everything that must be equal on members. */
  async dump(): Promise<string> {
    const { contents, sessions } = await this.machine.dump();
    return `${contents}\n---\n${sessions}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.machine.close(resolve));
  }

  /** Closes and opens again. */
  async restart(): Promise<void> {
    await this.close();
    this.machine = (await openSqliteMachine(this.#options)).machine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await Deno.remove(this.dir, { recursive: true });
  }
}
