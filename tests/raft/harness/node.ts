import assert from "node:assert/strict";
import { decodeConfiguration } from "../../../src/raft/configuration.ts";
import { RaftCore } from "../../../src/raft/core.ts";
import type { Persist, RaftStatus, Ready } from "../../../src/raft/io.ts";
import type { RaftOptions } from "../../../src/raft/options.ts";
import type { Message } from "../../../src/raft/messages.ts";
import {
  type Entry,
  EntryKind,
  type LogIndex,
  type MemberId,
  type SnapshotMeta,
} from "../../../src/raft/types.ts";
import { SeededRandom } from "../../../src/util/random.ts";
import { type Disk, initFrom } from "./disk.ts";
import { text } from "./payloads.ts";

/** A snapshot: what it stands for, and the applied commands. */
export interface Snapshot {
  readonly meta: SnapshotMeta;
  readonly state: readonly string[];
}

/** One member of a cluster: its core, disk, log and state machine. */
export class Node {
  core: RaftCore;
  /** What survives a crash. */
  disk: Disk;
  /** What the log shows, durable or not. */
  entries: Entry[];
  base: SnapshotMeta;
  /** Writes that are not durable yet. */
  writes: { persist: Persist; after: Message[] }[] = [];
  /** Applied commands of all time, oldest first. */
  state: string[] = [];
  applied: LogIndex;
  reads: Map<number, LogIndex | null> = new Map();
  snapshotRequests: Ready["sendSnapshots"][number][] = [];
  installing: Snapshot | null = null;
  received: Snapshot | null = null;
  up = true;

  constructor(
    readonly id: MemberId,
    disk: Disk,
    readonly options: RaftOptions,
    public seed: number,
  ) {
    this.disk = disk;
    this.entries = [...disk.entries];
    this.base = disk.base;
    this.applied = disk.base.last.index;
    this.core = this.#start();
  }

  #start(): RaftCore {
    const random = new SeededRandom(this.seed++);
    return new RaftCore(initFrom(this.id, this.disk), this.options, random);
  }

  get status(): RaftStatus {
    return this.core.status();
  }

  /** The log as text: term and what the entry is. */
  get log(): string {
    return this.entries.map((entry) => `${entry.term}${show(entry)}`).join(" ");
  }

  entryAt(index: LogIndex): Entry | undefined {
    return this.entries[index - this.base.last.index - 1];
  }

  /** The log shows what is being written. */
  write({ truncateAfter, entries }: Persist): void {
    const base = this.base.last.index;
    if (truncateAfter !== undefined) this.entries.length = truncateAfter - base;
    for (const entry of entries) {
      const expected = base + this.entries.length + 1;
      assert.equal(entry.index, expected, "gap in the log");
      this.entries.push(entry);
    }
  }

  /** A message as it goes over the wire; null if its entries are gone. */
  fill(message: Message): Message | null {
    if (message.type !== "appendEntries") return message;
    const entries: Entry[] = [];
    for (let i = message.prev.index + 1; i <= message.last; i++) {
      const entry = this.entryAt(i);
      if (entry === undefined) return null;
      entries.push(entry);
    }
    return { ...message, entries };
  }

  /** What a snapshot of the state at `index` would stand for. */
  snapshotAt(index: LogIndex): SnapshotMeta {
    if (index === this.base.last.index) return this.base;
    const { term } = this.entryAt(index)!;
    let config = this.base.config;
    for (const entry of this.entries) {
      if (entry.index > index) break;
      if (entry.kind === EntryKind.config) {
        config = decodeConfiguration(entry.payload);
      }
    }
    return { last: { term, index }, config };
  }

  /** The log up to `index` is forgotten, on the disk too. */
  purge(index: LogIndex): void {
    const base = this.snapshotAt(index);
    this.entries = this.entries.filter((entry) => entry.index > index);
    this.disk.entries = this.disk.entries.filter((entry) =>
      entry.index > index
    );
    this.base = base;
    this.disk.base = base;
  }

  /** A snapshot replaces state and log, on the disk too. */
  replace({ meta, state }: Snapshot): void {
    this.installing = null;
    this.received = null;
    this.base = meta;
    this.entries = [];
    this.state = [...state];
    this.applied = meta.last.index;
    this.disk.base = meta;
    this.disk.entries = [];
  }

  /** The member stops; unsynced writes are lost, and so is what it had not sent. */
  crash(): void {
    this.up = false;
    this.writes = [];
    this.installing = null;
    this.received = null;
    this.snapshotRequests = [];
    this.entries = [...this.disk.entries];
    this.base = this.disk.base;
  }

  /** The member starts from its disk, without the `unapplied` latest commands. */
  restart(unapplied: number): void {
    this.state.length -= unapplied;
    this.applied = this.base.last.index;
    this.up = true;
    this.core = this.#start();
  }
}

function show({ kind, payload }: Entry): string {
  if (kind === EntryKind.command) return text(payload);
  return kind === EntryKind.noop ? "·" : "#";
}
