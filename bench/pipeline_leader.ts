import type { LogStore } from "../src/log/port.ts";
import { encodeMessage } from "../src/network/raft_codec.ts";
import type { PeerNetwork } from "../src/network/port.ts";
import type {
  Entry,
  LogId,
  LogIndex,
  MemberId,
  NodeId,
} from "../src/raft/types.ts";
import { EntryKind, nodeIdOf } from "../src/raft/types.ts";
import { encodeShared } from "../src/util/bytes.ts";
import { decodeAnswer } from "../src/state/answer.ts";
import {
  NO_IDENTITY,
  stampEnvelope,
  writeEnvelope,
} from "../src/state/envelope.ts";
import { writeCommand } from "../src/state/sql/command.ts";
import { resultOf } from "../src/state/sql/result.ts";
import { validateCommand } from "../src/state/sql/validate.ts";
import type { StateMachine } from "../src/state/port.ts";
import type { CommandBody, CommandResult } from "../src/state/sql/types.ts";

/** The only term of a pipeline. */
export const TERM = 1;
const BATCH_ENTRIES = 8192;

/** What a leader is made of. */
export interface PipelineParts {
  readonly self: MemberId;
  readonly followers: readonly MemberId[];
  readonly log: LogStore;
  readonly links: PeerNetwork;
  readonly machine: StateMachine;
}

interface Waiting {
  readonly entry: Entry;
  readonly resolve: (answer: Uint8Array) => void;
}

/**
 * The write path of a leader that nobody could ever replace: append, sync and
 * send in parallel, apply at a majority, answer. What it lacks is consensus.
 */
export class PipelineLeader {
  readonly #parts: PipelineParts;
  readonly #matched = new Map<NodeId, LogIndex>();
  #inbox: Waiting[] = [];
  /** Appended and not applied, in order. */
  #waiting: Waiting[] = [];
  #session = 0;
  #sequence = 1;
  #outstanding = new Set<number>();
  #flushing = false;
  #applying = false;
  #last: LogIndex;
  #durable: LogIndex;
  #commit: LogIndex;

  /** Begins after what the log has. */
  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#last = parts.log.last.index;
    this.#durable = this.#last;
    this.#commit = this.#last;
    for (const follower of parts.followers) {
      this.#matched.set(nodeIdOf(follower), 0);
    }
  }

  /** Opens the session in which everything is written, so that SQLite does what it does in a cluster. */
  async open(): Promise<void> {
    await this.#append(
      encodeShared((writer) =>
        writeEnvelope(writer, "openSession", NO_IDENTITY)
      ),
    );
    this.#session = this.#last;
  }

  /** Replicates a command and answers what it did. */
  async write(body: CommandBody): Promise<CommandResult> {
    validateCommand(body);
    const sequence = this.#sequence++;
    this.#outstanding.add(sequence);
    const [answeredBelow] = this.#outstanding;
    const identity = {
      session: this.#session,
      sequence,
      answeredBelow: answeredBelow!,
      idempotencyKey: "",
    };
    const payload = encodeShared((writer) =>
      writeEnvelope(
        writer,
        "command",
        identity,
        (writer) => writeCommand(writer, body),
      )
    );
    stampEnvelope(payload, {
      clockMs: 0,
      timeMs: Date.now(),
      seedA: sequence >>> 0,
      seedB: 0,
    });
    const result = resultOf(decodeAnswer(await this.#append(payload)));
    this.#outstanding.delete(sequence);
    return result;
  }

  /** A follower has everything up to `index` on its disk. */
  acknowledged(from: NodeId, index: LogIndex): void {
    this.#matched.set(from, index);
    this.#advance();
  }

  #append(payload: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve) => {
      const kind = EntryKind.command;
      const entry = { index: ++this.#last, term: TERM, kind, payload };
      this.#inbox.push({ entry, resolve });
      if (this.#flushing) return;
      this.#flushing = true;
      queueMicrotask(() => this.#flush());
    });
  }

  #flush(): void {
    this.#flushing = false;
    const { log } = this.#parts;
    const batch = this.#inbox;
    this.#inbox = [];
    const entries = batch.map(({ entry }) => entry);
    this.#waiting.push(...batch);
    let bytes = 0;
    for (const { payload } of entries) bytes += payload.length;
    if (!log.reserve(entries.length, bytes)) throw new Error("no room");
    const prev = log.last;
    log.append(entries);
    this.#replicate(prev, entries);
    const last = entries.at(-1)!.index;
    log.sync((error) => {
      if (error !== null) throw error;
      this.#durable = last;
      this.#advance();
    });
  }

  #replicate(prev: LogId, entries: readonly Entry[]): void {
    const { self, followers, links } = this.#parts;
    for (const to of followers) {
      const frame = encodeMessage(0, {
        type: "appendEntries",
        from: self,
        to,
        term: TERM,
        prev,
        last: entries.at(-1)!.index,
        commit: this.#commit,
        entries,
      });
      if (!links.send(nodeIdOf(to), "bulk", frame)) throw new Error("no link");
    }
  }

  #advance(): void {
    const positions = [this.#durable, ...this.#matched.values()];
    positions.sort((a, b) => b - a);
    this.#commit = Math.max(this.#commit, positions[positions.length >> 1]!);
    this.#apply();
  }

  #apply(): void {
    if (this.#applying) return;
    const first = this.#waiting[0]?.entry.index;
    if (first === undefined || first > this.#commit) return;
    this.#applying = true;
    const count = Math.min(BATCH_ENTRIES, this.#commit - first + 1);
    const batch = this.#waiting.splice(0, count);
    const entries = batch.map(({ entry }) => entry);
    this.#parts.machine.apply(entries, true, (error, answers) => {
      if (error !== null) throw error;
      this.#applying = false;
      for (let i = 0; i < batch.length; i++) {
        batch[i]!.resolve(answers[i]!);
      }
      this.#apply();
    });
  }
}
