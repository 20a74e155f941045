import assert from "node:assert/strict";
import { MemoryLog } from "../../src/log/memory_log.ts";
import type { Done } from "../../src/log/port.ts";
import { RaftGroup } from "../../src/group/group.ts";
import {
  DEFAULT_GROUP_OPTIONS,
  type FirstRunPorts,
  type GroupOptions,
} from "../../src/group/ports.ts";
import type { GroupMessage } from "../../src/group/messages.ts";
import type { ProposalResult } from "../../src/group/proposals.ts";
import { decodeConfiguration } from "../../src/raft/configuration.ts";
import { RaftCore } from "../../src/raft/core.ts";
import { DEFAULT_RAFT_OPTIONS } from "../../src/raft/options.ts";
import {
  type Configuration,
  type Entry,
  EntryKind,
  type LogId,
  type LogIndex,
  type MemberId,
  NO_CONFIGURATION,
  ZERO_LOG_ID,
} from "../../src/raft/types.ts";
import {
  type ApplyDone,
  NO_EVENTS,
  type Snapshot,
  type SnapshotSink,
  type StateEvent,
  type StateEvents,
  type StateHash,
  type StateMachine,
} from "../../src/state/port.ts";
import { SeededRandom } from "../../src/util/random.ts";

/** Events as they are. */
export function listOf(events: readonly StateEvent[]): StateEvents {
  return {
    count: events.length,
    byteLength: events.reduce((sum, { bytes }) => sum + bytes.length, 0),
    [Symbol.iterator]: () => events[Symbol.iterator](),
  };
}
/** The cluster clock that a {@linkcode Trio}'s proposals were stamped with. */
export const STAMPS: WeakMap<Uint8Array, number> = new WeakMap();

/** How much time a tick of a {@linkcode Trio} tells of, ms. */
export const TICK_MS = 50;

/** A state machine that keeps the payloads it was given and answers how many there are. */
export class ListMachine implements StateMachine {
  applied: LogId = ZERO_LOG_ID;
  clockMs = 0;
  config: Configuration = NO_CONFIGURATION;
  items: string[] = [];
  /** Thrown at the next batch instead of applying it. */
  failure: Error | null = null;
  installed = 0;
  #received: { last: LogId; bytes: Uint8Array } | null = null;
  readonly #defer: (run: () => void) => void;

  constructor(defer: (run: () => void) => void) {
    this.#defer = defer;
  }

  apply(
    entries: readonly Entry[],
    _answers: boolean,
    done: ApplyDone,
  ): void {
    this.#defer(() => {
      if (this.failure !== null) return done(this.failure, [], NO_EVENTS);
      const answers = entries.map((entry) => {
        assert.equal(entry.index, this.applied.index + 1, "gap in apply");
        this.applied = { term: entry.term, index: entry.index };
        if (entry.kind === EntryKind.config) {
          this.config = decodeConfiguration(entry.payload);
        }
        if (entry.kind !== EntryKind.command) return new Uint8Array();
        this.clockMs = Math.max(this.clockMs, this.clockOf(entry.payload));
        this.items.push(new TextDecoder().decode(entry.payload));
        return new TextEncoder().encode(String(this.items.length));
      });
      const events = entries.filter(({ kind }) => kind === EntryKind.command)
        .map(({ index, payload }) => ({
          index,
          seq: 0,
          kind: "item",
          bytes: payload,
        }));
      done(null, answers, listOf(events));
    });
  }

  protected clockOf(payload: Uint8Array): number {
    return STAMPS.get(payload) ?? 0;
  }

  /** What a snapshot holds beside the clock, as JSON. */
  protected save(): unknown {
    return this.items;
  }

  protected load(saved: unknown): void {
    this.items = saved as string[];
  }

  checkpoint(done: (error: Error | null, durable: LogIndex) => void): void {
    this.#defer(() => done(null, this.applied.index));
  }

  snapshot(
    done: (error: Error | null, snapshot: Snapshot | null) => void,
  ): void {
    const state = JSON.stringify([this.clockMs, this.save()]);
    const bytes = new TextEncoder().encode(state);
    const { applied: last, config } = this;
    this.#defer(() =>
      done(null, {
        last,
        config,
        size: bytes.length,
        sha256: `${bytes.length}`,
        read: (offset, length, done) =>
          this.#defer(() => done(null, bytes.slice(offset, offset + length))),
        release: () => {},
      })
    );
  }

  receive(
    last: LogId,
    done: (error: Error | null, sink: SnapshotSink | null) => void,
  ): void {
    let bytes = new Uint8Array();
    const sink: SnapshotSink = {
      get offset() {
        return bytes.length;
      },
      write: (chunk, done) => {
        bytes = new Uint8Array([...bytes, ...chunk]);
        this.#defer(() => done(null));
      },
      finish: (expected, done) => {
        assert.equal(bytes.length, expected.size);
        this.#received = { last, bytes };
        this.#defer(() => done(null));
      },
      abort: () => {},
    };
    this.#defer(() => done(null, sink));
  }

  install(last: LogId, done: (error: Error | null) => void): void {
    this.#defer(() => {
      assert.equal(this.#received?.last.index, last.index);
      const state = new TextDecoder().decode(this.#received.bytes);
      const [clockMs, saved] = JSON.parse(state) as [number, unknown];
      this.clockMs = clockMs;
      this.load(saved);
      this.applied = last;
      this.installed++;
      done(null);
    });
  }

  check(_hurry: boolean): Promise<void> {
    return Promise.resolve();
  }

  stateHashes(): readonly StateHash[] {
    return [];
  }

  close(done: () => void): void {
    done();
  }
}

/** A log whose syncs can be held back. */
export class HoldingLog extends MemoryLog {
  held = false;
  #waiting: Done[] = [];

  override sync(done: Done): void {
    if (this.held) this.#waiting.push(done);
    else super.sync(done);
  }

  /** Completes what was held back. */
  release(): void {
    this.held = false;
    for (const done of this.#waiting.splice(0)) super.sync(done);
  }
}

/** One of the three. */
export interface Third {
  readonly id: MemberId;
  readonly group: RaftGroup;
  readonly log: HoldingLog;
  readonly machine: ListMachine;
  readonly warnings: string[];
  /** Where the member was told that its state differs. */
  readonly diverged: LogIndex[];
  fatal: Error | null;
}

/** What a {@linkcode Trio} may be made of beside its usual parts. */
export interface TrioParts {
  /** Followers let entries gather. */
  readonly lingers?: boolean;
  readonly make?:
    | ((defer: (run: () => void) => void) => ListMachine)
    | undefined;
  readonly firstRun?: FirstRunPorts | undefined;
}

/** Three groups in one thread; nothing moves unless {@linkcode Trio.run} is called. */
export class Trio {
  readonly members: readonly Third[];
  /** Messages for which this is true are lost. */
  lose: (message: GroupMessage) => boolean = () => false;
  /** What lets entries gather and was not stopped; run it to go on. */
  readonly lingering = new Set<() => void>();
  /** Entries after it are needed elsewhere; null: none. */
  needed: LogIndex | null = null;
  readonly #queue: (() => void)[] = [];

  constructor(
    options: Partial<GroupOptions> = {},
    capacityBytes: readonly number[] = [],
    { lingers = false, make, firstRun }: TrioParts = {},
  ) {
    const ids = ["1.a", "2.b", "3.c"];
    const config: Configuration = { ...NO_CONFIGURATION, voters: ids };
    this.members = ids.map((id, i) =>
      this.#member(id, config, { ...DEFAULT_GROUP_OPTIONS, ...options }, {
        seed: i + 1,
        capacity: capacityBytes[i] ?? Infinity,
        lingers,
        make,
        firstRun,
      })
    );
  }

  /** Runs until nothing is left to do. */
  run(): void {
    for (let steps = 0; this.#queue.length > 0; steps++) {
      assert.ok(steps < 1_000_000, "the groups never come to rest");
      this.#queue.shift()!();
    }
  }

  /** Ticks all members (or the given ones) and runs what follows. */
  tick(count: number, members: readonly Third[] = this.members): void {
    for (let i = 0; i < count; i++) {
      for (const { group } of members) group.tick(TICK_MS);
      this.run();
    }
  }

  /** Makes a member the leader. */
  elect(index: number): Third {
    const member = this.members[index]!;
    member.group.campaign();
    this.run();
    assert.equal(member.group.core.role, "leader");
    return member;
  }

  /** Proposes on a member; the results appear in the returned list. */
  propose(member: Third, ...items: string[]): ProposalResult[] {
    const results: ProposalResult[] = [];
    for (const item of items) {
      const payload = new TextEncoder().encode(item);
      member.group.propose(payload, (result) => results.push(result));
    }
    return results;
  }

  #member(
    id: MemberId,
    config: Configuration,
    options: GroupOptions,
    { seed, capacity, lingers, make, firstRun }: TrioParts & {
      seed: number;
      capacity: number;
    },
  ): Third {
    const defer = (run: () => void): void => void this.#queue.push(run);
    const log = new HoldingLog({ defer, capacityBytes: capacity });
    const machine = make?.(defer) ?? new ListMachine(defer);
    const core = new RaftCore(
      {
        id,
        hardState: { term: 1, vote: null },
        base: { last: ZERO_LOG_ID, config },
        entries: [],
        configs: [],
        applied: 0,
      },
      DEFAULT_RAFT_OPTIONS,
      new SeededRandom(seed),
    );
    const warnings: string[] = [];
    const member: Third = {
      id,
      log,
      machine,
      warnings,
      diverged: [],
      fatal: null,
      group: new RaftGroup({
        core,
        log,
        machine,
        defer,
        ...(lingers ? { linger: (run) => this.#linger(run) } : {}),
        stamp: (payload, clockMs) => void STAMPS.set(payload, clockMs),
        stampOf: (payload) => STAMPS.get(payload) ?? 0,
        send: (message) => this.#deliver(message),
        fatal: (error) => member.fatal = error,
        changed: () => {},
        diverged: ({ index }) => member.diverged.push(index),
        neededAfter: () => this.needed,
        ...(firstRun === undefined ? {} : { firstRun }),
        warn: (message) => warnings.push(message),
      }, options),
    };
    return member;
  }

  #linger(run: () => void): () => void {
    const once = (): void => {
      if (this.lingering.delete(once)) run();
    };
    this.lingering.add(once);
    return () => this.lingering.delete(once);
  }

  #deliver(message: GroupMessage): boolean {
    if (this.lose(message)) return true;
    const receiver = this.members.find(({ id }) => id === message.to)!;
    this.#queue.push(() => receiver.group.receive(message));
    return true;
  }
}
