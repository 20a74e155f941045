import type { StatePosition } from "../../src/state/port.ts";
import { HiqliteError } from "../../src/errors.ts";
import { MemoryLog } from "../../src/log/memory_log.ts";
import type { NodeVault, Storage } from "../../src/node/volume/vault.ts";
import { type Identity, newIdentity } from "../../src/node/volume/identity.ts";
import { type Entry, EntryKind } from "../../src/raft/types.ts";
import { encodeAnswer, encodeRefusal } from "../../src/state/answer.ts";
import {
  changedFacts,
  FIRST_FACTS,
  readFactChange,
} from "../../src/state/cluster_facts.ts";
import { NOTHING_RETAINED } from "../../src/state/topics/event.ts";
import { decodeEnvelope, peekClock } from "../../src/state/envelope.ts";
import type { ApplyDone } from "../../src/state/port.ts";
import type { Observation, SqlMachine } from "../../src/state/sql/port.ts";
import { NOTHING_LOCKED } from "../../src/state/locks/types.ts";
import { writeResult } from "../../src/state/sql/result.ts";
import type { QueryResult, RowStream } from "../../src/state/sql/types.ts";
import { ByteReader } from "../../src/util/bytes.ts";
import { ListMachine } from "./trio.ts";

function applied(index: number): Uint8Array {
  return encodeAnswer(
    index,
    (writer) => writeResult(writer, { ok: true, results: [] }),
  );
}

/** Counts writes and applies each (session, sequence) once. */
export class CountingMachine extends ListMachine implements SqlMachine {
  readonly engine = { name: "none", version: "0" };
  readonly files = null;
  readonly locks = NOTHING_LOCKED;
  readonly tokens = [];
  #answers = new Map<string, Uint8Array>();
  #held: (() => void)[] | null = null;
  facts = FIRST_FACTS;
  readonly retainedEvents = NOTHING_RETAINED;

  constructor() {
    super((run) => queueMicrotask(run));
  }

  get position(): StatePosition {
    return { applied: this.applied, timeMs: 0, hash: this.items.length };
  }

  /** A machine in the same state. */
  fork(): CountingMachine {
    const twin = new CountingMachine();
    twin.applied = this.applied;
    twin.config = this.config;
    twin.clockMs = this.clockMs;
    twin.facts = this.facts;
    twin.items = [...this.items];
    twin.#answers = new Map(this.#answers);
    return twin;
  }

  /** Keeps what is to be applied, as a busy writer does, until the returned function is called. */
  hold(): () => void {
    const held: (() => void)[] = [];
    this.#held = held;
    return () => {
      this.#held = null;
      for (const run of held) run();
    };
  }

  override apply(
    entries: readonly Entry[],
    answers: boolean,
    done: ApplyDone,
  ): void {
    if (this.#held !== null) {
      this.#held.push(() => this.apply(entries, answers, done));
      return;
    }
    super.apply(entries, answers, (error, raw, events) => {
      if (error !== null) return done(error, [], events);
      const given = entries.map((entry, i) => this.#answer(entry, raw[i]!));
      done(null, given, events);
    });
  }

  protected override clockOf(payload: Uint8Array): number {
    return peekClock(payload);
  }

  protected override save(): unknown {
    return [...this.#answers].map(([key, answer]) => [key, [...answer]]);
  }

  protected override load(saved: unknown): void {
    const pairs = saved as [string, number[]][];
    this.#answers = new Map(
      pairs.map(([key, answer]) => [key, new Uint8Array(answer)]),
    );
  }

  /** Every batch of entries leaves a trace here; a test plants a wrong one. */
  hash = 0;
  /** How often it was asked for its hashes, as for each report to a witness. */
  reports = 0;

  override stateHashes(): readonly { index: number; hash: number }[] {
    this.reports++;
    return [{ index: this.applied.index, hash: this.hash }];
  }

  query(): Promise<QueryResult> {
    return Promise.resolve(this.querySync());
  }

  observe(): Promise<Observation> {
    const result = this.querySync();
    const hash = `${this.#answers.size}`.padStart(32, "0");
    const { index } = this.applied;
    return Promise.resolve({ index, tables: null, hash, result });
  }

  rows(): Promise<RowStream> {
    throw new Error("this machine streams nothing");
  }

  querySync(): QueryResult {
    return { columns: ["writes"], rows: [[this.#answers.size]] };
  }

  #learn(index: number, body: Uint8Array): Uint8Array {
    const change = readFactChange(new ByteReader(body));
    const changed = changedFacts(this.facts, change);
    if (typeof changed === "string") {
      return encodeRefusal(index, "conflict", changed);
    }
    this.facts = changed;
    return encodeAnswer(index);
  }

  #answer(entry: Entry, empty: Uint8Array): Uint8Array {
    if (entry.kind !== EntryKind.command) return empty;
    const { kind, session, sequence, body } = decodeEnvelope(entry.payload);
    if (kind === "fact") return this.#learn(entry.index, body);
    if (kind !== "command") return encodeAnswer(entry.index);
    const key = `${session}/${sequence}`;
    const known = this.#answers.get(key) ?? applied(entry.index);
    this.#answers.set(key, known);
    return known;
  }
}

/** What outlives a process. */
export class Volume implements NodeVault {
  identity: Identity;
  log: MemoryLog;
  machine: CountingMachine;
  /** Whether it is being exchanged. */
  closed = false;
  /** Whether there is no room for an identity in this phase. */
  full: (phase: Identity["phase"]) => boolean = () => false;

  constructor(
    identity: Identity,
    log = new MemoryLog({ crashable: true }),
    machine = new CountingMachine(),
  ) {
    this.identity = identity;
    this.log = log;
    this.machine = machine;
  }

  get storage(): Storage {
    if (this.closed) throw new HiqliteError("no_leader", "closed");
    const { log, machine } = this;
    return {
      log,
      machine,
      logRecovery: log.recovery,
      state: { applied: machine.applied, config: machine.config },
      release: () => Promise.resolve(),
    };
  }

  save(identity: Identity): void {
    if (this.full(identity.phase)) {
      throw new HiqliteError("disk_full", `no room: ${identity.phase}`);
    }
    this.identity = identity;
  }

  startOver(): Promise<void> {
    const { nodeId, clusterId } = this.identity;
    this.identity = { ...newIdentity(nodeId), clusterId, phase: "joining" };
    this.log = new MemoryLog({ crashable: true });
    this.machine = new CountingMachine();
    return Promise.resolve();
  }

  /** What a copy of the disk would hold now. */
  copy(): Volume {
    const log = new MemoryLog({ crashable: true });
    const { base, last } = this.log;
    log.reset(base);
    const all = this.log.readCached(base.index + 1, last.index, Infinity);
    log.append(all ?? []);
    log.saveHardState(this.log.recovery.hardState);
    log.sync(() => {});
    return new Volume(this.identity, log, this.machine.fork());
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
