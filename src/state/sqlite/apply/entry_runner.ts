import { type Entry, EntryKind, type LogIndex } from "../../../raft/types.ts";
import { MalformedBytesError, NO_BYTES } from "../../../util/bytes.ts";
import { encodeAnswer } from "../../answer.ts";
import type { Envelope } from "../../envelope.ts";
import { ExactlyOnce } from "../../exactly_once.ts";
import { writeAuditAnswer } from "../../audit/codec.ts";
import { writeBackupAnswer } from "../../backups/codec.ts";
import { writeLockAnswer } from "../../locks/codec.ts";
import { writeTokenAnswer } from "../../tokens/codec.ts";
import { decodeCommand, type EntryCommand } from "../../sql/command.ts";
import { writeResult } from "../../sql/result.ts";
import type { CommandBody, CommandResult } from "../../sql/types.ts";
import type { SqliteConnection } from "../driver/driver.ts";
import { defineLockFunctions } from "../locks/functions.ts";
import { HostedLocks } from "../locks/hosted_locks.ts";
import { HostedTokens } from "../tokens/hosted_tokens.ts";
import { HostedAudit } from "../audit/hosted_audit.ts";
import { HostedBackups } from "../backups/hosted_backups.ts";
import type { Position } from "./bookkeeping.ts";
import {
  changeOf,
  type EntryEvents,
  SCHEMA_CHANGED,
  tablesOf,
} from "./entry_events.ts";
import { overrideFunctions } from "./determinism.ts";
import { EntryContext } from "./entry_context.ts";
import type { EntryUndone } from "./entry_undone.ts";
import { Interpreter } from "./interpreter.ts";
import { EVENTS_TABLE_NAME, LOCKS_VIEW } from "../statement/rules.ts";
import { defineNotify } from "../topics/notify_function.ts";
import type { TopicEvents } from "../topics/topic_events.ts";
import { TopicStore } from "../topics/topic_store.ts";
import { heedInterrupts, type Interrupts } from "../thread/interrupts.ts";
import { SqliteSessionStore } from "./session_store.ts";
import type { TableSets } from "./table_sets.ts";

const MALFORMED: CommandResult = {
  ok: false,
  error: { code: "invalid", message: "The command is malformed" },
  results: [],
};

/** Null for bytes that are no command. */
function commandIn(bytes: Uint8Array): EntryCommand | null {
  try {
    return decodeCommand(bytes);
  } catch (error) {
    if (error instanceof MalformedBytesError) return null;
    throw error;
  }
}

/** Runs one entry in the transaction that is open. */
export class EntryRunner {
  readonly #context = new EntryContext();
  readonly #tables: TableSets;
  readonly #interrupts: Interrupts;
  /** Runs its command. */
  readonly interpreter: Interpreter;
  /** Sessions, clock and facts. */
  readonly commands: ExactlyOnce;
  /** What entries publish. */
  readonly topics: TopicStore;
  /** Leases and locks. */
  readonly locks: HostedLocks;
  /** Tokens of the API. */
  readonly tokens: HostedTokens;
  readonly #backups: HostedBackups;
  readonly #audit: HostedAudit;
  /** The last configuration entry's payload. */
  config: Uint8Array;
  /** How an earlier attempt at the present entry ended. */
  #undone: EntryUndone | null = null;

  /** Goes on from `position`; see `BatchApplier`. */
  constructor(
    connection: SqliteConnection,
    originals: SqliteConnection,
    position: Position,
    options: {
      readonly statementCacheCapacity: number;
      readonly level: number;
      readonly tables: TableSets;
      readonly topicEvents: TopicEvents;
      readonly noteEvent: EntryEvents["add"];
      readonly interrupts: Interrupts;
    },
  ) {
    this.config = position.config;
    this.#tables = options.tables;
    this.#interrupts = options.interrupts;
    this.topics = new TopicStore(
      connection,
      position.retained,
      options.topicEvents,
    );
    this.commands = new ExactlyOnce(
      new SqliteSessionStore(connection),
      position,
      (envelope, index, timeMs) => this.#perform(envelope, index, timeMs),
      {
        level: options.level,
        begun: (index, clockMs) => this.locks.begin({ index, clockMs }),
      },
    );
    this.locks = new HostedLocks(connection, options.noteEvent);
    this.tokens = new HostedTokens(connection);
    this.#backups = new HostedBackups(connection);
    this.#audit = new HostedAudit(connection);
    overrideFunctions(connection, originals, this.#context);
    defineNotify(connection, this.#context);
    this.interpreter = new Interpreter(
      connection,
      this.#context,
      options.statementCacheCapacity,
      options.tables,
    );
    defineLockFunctions(
      connection,
      this.interpreter.policy,
      () => this.commands.clockMs,
    );
  }

  /** Its answer; `undone` tells how an earlier attempt at it ended. */
  run(entry: Entry, undone: EntryUndone | null): Uint8Array {
    this.interpreter.begin();
    this.topics.begin();
    this.locks.forgetChanges();
    switch (entry.kind) {
      case EntryKind.noop:
        return NO_BYTES;
      case EntryKind.config:
        this.config = entry.payload;
        return NO_BYTES;
      case EntryKind.command:
        return heedInterrupts(
          this.#interrupts,
          () => this.#apply(entry, undone),
        );
    }
  }

  /** What the entry that has just run changed, also of what this software keeps and queries may read; see `changeOf`. */
  get change(): number {
    const { change } = this.interpreter;
    const { changed: published } = this.topics;
    const { shownChanged } = this.locks;
    if (!published && !shownChanged) return change;
    const own = this.#tables.numberOf([
      ...(published ? [EVENTS_TABLE_NAME] : []),
      ...(shownChanged ? [LOCKS_VIEW] : []),
    ]);
    const tables = this.#tables.union(tablesOf(change), own);
    return changeOf(tables, (change & SCHEMA_CHANGED) !== 0);
  }

  /** The transaction was rolled back: goes on from `position` again. */
  reload(position: Position): void {
    this.interpreter.rolledBack();
    this.commands.reload(position);
    this.locks.undo();
    this.tokens.undo();
    this.config = position.config;
    this.topics.reload(position.retained);
  }

  #apply({ index, payload }: Entry, undone: EntryUndone | null): Uint8Array {
    this.#undone = undone;
    const answer = this.commands.apply(index, payload);
    this.topics.trim(this.commands.clockMs);
    return answer;
  }

  #perform(envelope: Envelope, index: LogIndex, timeMs: number): Uint8Array {
    this.#context.begin(timeMs, envelope.seed);
    const command = commandIn(envelope.body);
    if (command?.kind === "lock") {
      const answer = this.locks.run(command.operation);
      return encodeAnswer(index, (writer) => writeLockAnswer(writer, answer));
    }
    if (command?.kind === "token") {
      const answer = this.tokens.run(command.operation, timeMs);
      return encodeAnswer(index, (writer) => writeTokenAnswer(writer, answer));
    }
    if (command?.kind === "backup") {
      const answer = this.#backups.run(command.operation, index);
      return encodeAnswer(index, (writer) => writeBackupAnswer(writer, answer));
    }
    if (command?.kind === "audit") {
      const isDone = this.#audit.run(command.operation, index, timeMs);
      return encodeAnswer(index, (writer) => writeAuditAnswer(writer, isDone));
    }
    const result = command === null
      ? MALFORMED
      : this.#run(command, index, timeMs);
    const { notices } = this.#context;
    if (notices.length > 0) {
      this.topics.publish(index, this.commands.clockMs, notices.list);
    }
    return encodeAnswer(index, (writer) => writeResult(writer, result));
  }

  #run(body: CommandBody, index: LogIndex, timeMs: number): CommandResult {
    const fenced = "fence" in body ? this.locks.refusal(body.fence) : null;
    if (fenced !== null) return { ok: false, error: fenced, results: [] };
    const { last: lastEvent } = this.topics.retained;
    const undone = this.#undone;
    return this.interpreter.run(body, { index, timeMs, lastEvent, undone });
  }
}
