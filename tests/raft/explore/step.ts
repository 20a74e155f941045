import assert from "node:assert/strict";
import { RaftCore } from "../../../src/raft/core.ts";
import type { Persist } from "../../../src/raft/io.ts";
import type { RaftOptions } from "../../../src/raft/options.ts";
import type { Message } from "../../../src/raft/messages.ts";
import type { Entry, HardState, MemberId } from "../../../src/raft/types.ts";
import { configOf, members } from "../harness/configurations.ts";
import { TEST_OPTIONS } from "../harness/core.ts";
import { initFrom } from "../harness/disk.ts";
import { showMessage } from "./print.ts";
import { BASE, type Member } from "./world.ts";

/** Elections begin when the explorer says so. */
const OPTIONS: RaftOptions = {
  ...TEST_OPTIONS,
  electionTicks: 1000,
  preVote: false,
  checkQuorum: false,
};

/** A member as it comes up from its disk. */
export function start(
  id: MemberId,
  voters: number,
  hardState: HardState,
  entries: readonly Entry[],
): RaftCore {
  const last = { term: 1, index: BASE };
  const base = { last, config: configOf(members(voters)) };
  const disk = { hardState, base, entries: [...entries] };
  return new RaftCore(initFrom(id, disk), OPTIONS, { uint32: () => 0 });
}

/** Copies what a core may modify; messages, entries and configurations it never does. */
function copy<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array || Object.isFrozen(value)) return value;
  if (value instanceof Float64Array) return value.slice() as T;
  if (value instanceof Map) {
    return new Map(Array.from(value, ([k, v]) => [k, copy(v)])) as T;
  }
  if (Array.isArray(value)) return value.map(copy) as T;
  const made = Object.create(Object.getPrototypeOf(value));
  for (const key of Object.keys(value)) {
    made[key] = copy((value as Record<string, unknown>)[key]);
  }
  return made;
}

/** A member while it takes a step. */
export class Step {
  core: RaftCore;
  sent: Message[] = [];
  answers: { requestId: number; index: number | null }[] = [];
  hardState: HardState;
  disk: Entry[];
  log: Entry[];
  writes: { persist: Persist; after: readonly Message[] }[];
  readonly #id: MemberId;
  readonly #slow: boolean;

  constructor(before: Member, slow: boolean) {
    this.core = copy(before.core);
    this.#id = before.core.status().id;
    this.#slow = slow;
    this.hardState = before.hardState;
    this.disk = [...before.disk];
    this.log = [...before.log];
    this.writes = [...before.writes];
  }

  crash(voters: number): void {
    this.core = start(this.#id, voters, this.hardState, this.disk);
    this.log = [...this.disk];
    this.writes = [];
  }

  flush(): void {
    const { persist, after } = this.writes.shift()!;
    const { hardState, truncateAfter, entries } = persist;
    if (hardState !== undefined) {
      const { term, vote } = this.hardState;
      assert.ok(
        hardState.term > term ||
          (hardState.term === term &&
            (vote === null || vote === hardState.vote)),
        `two votes in term ${term}: ${vote} and ${hardState.vote}`,
      );
      this.hardState = hardState;
    }
    if (truncateAfter !== undefined) this.disk.length = truncateAfter - BASE;
    this.disk.push(...entries);
    this.sent.push(...after);
    this.core.step({ kind: "persisted", id: persist.id });
  }

  serve(): void {
    while (this.core.hasReady()) {
      const ready = this.core.takeReady();
      const { persist, sendAfterPersist } = ready;
      if (persist !== null) {
        const { truncateAfter, entries } = persist;
        if (truncateAfter !== undefined) {
          this.log.length = truncateAfter - BASE;
        }
        this.log.push(...entries);
      }
      this.sent.push(...ready.send.map((message) => this.#fill(message)));
      this.answers.push(...ready.reads);
      const last = this.writes.at(-1);
      if (persist !== null) {
        this.writes.push({ persist, after: sendAfterPersist });
      } else if (last !== undefined) {
        // Once is enough: what is sent may be delivered as often as one likes.
        const known = last.after.map(showMessage);
        const fresh = sendAfterPersist.filter((message) =>
          !known.includes(showMessage(message))
        );
        const after = [...last.after, ...fresh];
        this.writes[this.writes.length - 1] = { ...last, after };
      } else this.sent.push(...sendAfterPersist);
      while (!this.#slow && this.writes.length > 0) this.flush();
    }
  }

  #fill(message: Message): Message {
    if (message.type !== "appendEntries") return message;
    const entries = this.log.slice(
      message.prev.index - BASE,
      message.last - BASE,
    );
    return { ...message, entries };
  }
}
