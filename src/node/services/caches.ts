import { HiqliteError } from "../../errors.ts";
import { readKvAnswers } from "../../state/kv/answer.ts";
import { writeKvCommand } from "../../state/kv/command.ts";
import type { KvMachine } from "../../state/kv/port.ts";
import type {
  ByteKey,
  KvAnswer,
  KvEntry,
  KvReads,
  SeenValue,
} from "../../state/kv/types.ts";
import {
  validateCacheName,
  validateKey,
  validateUnit,
} from "../../state/kv/validate.ts";
import type { Traces } from "../../telemetry/traces.ts";
import type { Proposer } from "../groups/proposer.ts";
import type {
  CacheCounterAnswer,
  CacheCounterRequest,
  CacheGetAnswer,
  CacheGetRequest,
  CacheListAnswer,
  CacheListRequest,
  CachePosition,
  CacheReadRequest,
  CacheReport,
  CacheWatchEvent,
  CacheWatchRequest,
  CacheWriteAnswer,
  CacheWriteRequest,
  MemberCaches,
} from "../port.ts";
import { traced, type UnitWaiter } from "./cache_traces.ts";
import { listPage } from "./cache_page.ts";
import { CacheWatches } from "./cache_watches.ts";
import { Freshness, type FreshnessPorts } from "./freshness.ts";
import { HitCounts } from "./hit_counts.ts";
import { OwnWrites } from "./own_writes.ts";
import { type Pack, Packer, type UnitCaller } from "./packer.ts";
import { ReadClock } from "./read_clock.ts";
import { Turns } from "./turns.ts";

const WRITE_TIMEOUT_MS = 120_000;
const READ_TIMEOUT_MS = 30_000;
/** Between two looks whether this member has heard of a new epoch. */
const EPOCH_MS = 50;
/** So long a member whose group has a leader may not have heard of a new epoch yet. */
const HEARD_MS = 2_000;
const KEYS_MAX = 1000;
/** Bytes of values in one answer. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/** What the caches need from their node. */
export interface CachesPorts extends FreshnessPorts {
  readonly proposer: Proposer;
  readonly traces: Traces;
  /** The present life of the group; 0 before the first. */
  epoch(): number;
  /** Of the present life; null while this member takes no part in it. */
  machine(): KvMachine | null;
  /** Bytes that all caches together may have. */
  readonly maxBytes: number;
  /** What is stored here is damaged: says what that means for whoever asked; another error is given back. */
  explain(error: unknown): unknown;
  /** Runs `callback` in the next turn of the event loop. */
  defer(callback: () => void): void;
}

/** A change on its way. */
interface UnitWrite {
  readonly request: CacheWriteRequest;
  /** By the caches' clock, ms. */
  readonly deadline: number;
  readonly waiter: UnitWaiter;
}

/** The caches on their group: changes through its log, reads from this member's state. */
export class Caches implements MemberCaches {
  readonly #ports: CachesPorts;
  readonly #packer: Packer;
  readonly #freshness: Freshness;
  readonly #ownWrites: OwnWrites;
  readonly #clock: ReadClock;
  readonly #turns: Turns;
  readonly #counts = new HitCounts();
  readonly #watches: CacheWatches;
  /** The present time of a local reader. */
  readonly #now = (): number =>
    this.#clock.now(this.#ports.machine()?.clockMs ?? 0);

  /** Reads and writes through `ports`. */
  constructor(ports: CachesPorts) {
    this.#ports = ports;
    this.#freshness = new Freshness(ports);
    this.#ownWrites = new OwnWrites(ports);
    this.#clock = new ReadClock(ports.clock);
    this.#turns = new Turns(ports.clock, (callback) => ports.defer(callback));
    this.#packer = new Packer({
      clock: ports.clock,
      defer: (callback) => ports.defer(callback),
      propose: (pack) => this.#propose(pack, ""),
    });
    this.#watches = new CacheWatches({
      clock: ports.clock,
      group: () => ports.group(),
      epoch: () => ports.epoch(),
      machine: () => ports.machine(),
    });
  }

  get epoch(): number {
    return this.#ports.epoch();
  }

  /** Changes that wait for their entry or its answer. */
  get outstanding(): number {
    return this.#packer.outstanding;
  }

  apply(request: CacheWriteRequest): Promise<CacheWriteAnswer> {
    // One promise from here to the packer: this is on the way of every put.
    return new Promise((resolve, reject) => {
      const { timeoutMs = WRITE_TIMEOUT_MS } = request;
      validateUnit(request.unit);
      const deadline = this.#packer.nowMs + timeoutMs;
      const { traces } = this.#ports;
      const waiter = traced(traces, request.unit, { resolve, reject });
      this.#begin({ request, deadline, waiter });
    });
  }

  async get(request: CacheGetRequest): Promise<CacheGetAnswer> {
    const { cache, keys } = request;
    if (keys.length === 0 || keys.length > KEYS_MAX) {
      throw new HiqliteError(
        "invalid",
        `keys: expected 1 to ${KEYS_MAX}, got ${keys.length}`,
      );
    }
    for (const key of keys) validateKey(key);
    return await this.#read(request, (reads, nowMs, readerMs) => {
      let bytes = 0;
      const entries = keys.map((key) => {
        const entry = reads.get(cache, key, nowMs, readerMs);
        bytes += entry?.value.bytes.length ?? 0;
        if (bytes > ANSWER_BYTES_MAX) {
          throw new HiqliteError(
            "too_large",
            `The values of these ${keys.length} keys have more than ${ANSWER_BYTES_MAX} bytes: ask for fewer keys at once`,
          );
        }
        return entry;
      });
      for (const entry of entries) this.#counts.note(cache, entry !== null);
      return { entries };
    });
  }

  getSync(cache: string, key: ByteKey): KvEntry | null {
    const reads = this.#begunReads();
    let entry: KvEntry | null;
    try {
      entry = reads.view(cache, key, this.#now);
    } catch (error) {
      throw this.#ports.explain(error);
    }
    this.#counts.note(cache, entry !== null);
    return entry;
  }

  seeSync(cache: string, key: ByteKey): SeenValue | null {
    const reads = this.#begunReads();
    let value: SeenValue | null;
    try {
      value = reads.see(cache, key, this.#now);
    } catch (error) {
      throw this.#ports.explain(error);
    }
    this.#counts.note(cache, value !== null);
    return value;
  }

  async counter(request: CacheCounterRequest): Promise<CacheCounterAnswer> {
    const { cache, key } = request;
    validateKey(key);
    return await this.#read(
      request,
      (reads, nowMs) => ({ counter: reads.counter(cache, key, nowMs) }),
    );
  }

  async list(request: CacheListRequest): Promise<CacheListAnswer> {
    const { cache, range } = request;
    return await this.#read(
      request,
      (reads, nowMs, readerMs) =>
        listPage(reads, cache, range, nowMs, readerMs),
      // Keys are put in order when they are asked for.
      (machine) => machine.arrange(cache),
    );
  }

  stats(): readonly CacheReport[] {
    const stats = this.#ports.machine()?.reads.stats() ?? [];
    this.#counts.keep(stats.map(({ name }) => name));
    return stats.map((cache) => ({ ...cache, ...this.#counts.of(cache.name) }));
  }

  watch(request: CacheWatchRequest): AsyncIterable<CacheWatchEvent> {
    validateCacheName(request.cache);
    for (const key of request.keys ?? []) validateKey(key);
    return this.#watches.watch(request);
  }

  /** Ends waits whose time is over. Call it a few times a second. */
  tick(): void {
    this.#packer.tick();
    this.#ownWrites.tick();
    this.#watches.tick();
    const machine = this.#ports.machine();
    if (machine !== null) this.#clock.now(machine.clockMs);
  }

  /** Ends all watches. */
  close(): void {
    this.#watches.close();
  }

  #begunReads(): KvReads {
    const machine = this.#ports.machine();
    if (machine === null) throw notBegun();
    return machine.reads;
  }

  #begin(write: UnitWrite): void {
    const { epoch } = write.request;
    if (epoch === undefined) return this.#write(write, this.epoch);
    this.#agreed(epoch, write.deadline).then(
      () => this.#write(write, epoch),
      write.waiter.reject,
    );
  }

  /** Until the present life is `epoch`. @throws {HiqliteError} `cache_reset` if it is another one. */
  async #agreed(epoch: number, deadline: number): Promise<void> {
    await this.#heardOf(epoch, deadline, HEARD_MS);
    if (epoch !== this.epoch) throw anotherEpoch(epoch, this.epoch);
  }

  #write(write: UnitWrite, epoch: number): void {
    const { unit, idempotencyKey = "" } = write.request;
    const caller: UnitCaller = {
      traceparent: write.waiter.traceparent,
      done: (index, answer) =>
        write.waiter.resolve(
          this.#ownWrites.seen({ index, epoch, answer }, write.deadline),
        ),
      failed: (error) => this.#failed(write, epoch, error),
    };
    if (idempotencyKey === "") {
      this.#packer.write(unit, epoch, write.deadline, caller);
    } else void this.#alone(write, idempotencyKey, epoch, caller);
  }

  /** Certainly not applied, since its group began anew: it is for the next life, unless it says otherwise. */
  #failed(write: UnitWrite, epoch: number, error: Error): void {
    const refused = error instanceof HiqliteError && error.code === "no_leader";
    if (refused && epoch !== this.epoch) this.#begin(write);
    else write.waiter.reject(error);
  }

  async #propose(
    { units, epoch, timeoutMs, traceparent }: Pack,
    idempotencyKey: string,
  ): Promise<{ index: number; answers: KvAnswer[] }> {
    const { index, refusal, body } = await this.#ports.proposer.propose({
      body: (writer) => writeKvCommand(writer, units, this.#ports.maxBytes),
      epoch,
      idempotencyKey,
      timeoutMs,
      traceparent,
    });
    if (refusal !== null) throw new HiqliteError(refusal.code, refusal.message);
    return { index, answers: readKvAnswers(body) };
  }

  /** A unit with a key of its own is an entry of its own: a retry must find the same bytes. */
  async #alone(
    { request: { unit }, deadline }: UnitWrite,
    idempotencyKey: string,
    epoch: number,
    caller: UnitCaller,
  ): Promise<void> {
    await this.#turns.next();
    const timeoutMs = Math.max(1, deadline - this.#ports.clock.monotonic());
    const { traceparent } = caller;
    const pack = { units: [unit], epoch, timeoutMs, traceparent };
    await this.#propose(pack, idempotencyKey).then(
      ({ index, answers }) => caller.done(index, answers[0]!),
      (error) => caller.failed(error),
    );
  }

  async #read<T>(
    request: CacheReadRequest,
    pick: (reads: KvReads, nowMs: number, readerMs: number) => T,
    prepare?: (machine: KvMachine) => Promise<void>,
  ): Promise<T & CachePosition> {
    validateCacheName(request.cache);
    const timeoutMs = request.timeoutMs ?? READ_TIMEOUT_MS;
    const deadline = this.#ports.clock.monotonic() + timeoutMs;
    const linearizable = request.consistency === "linearizable";
    await this.#turns.due();
    for (;;) {
      if (request.minimum !== undefined) {
        await this.#heardOf(request.minimum.epoch, deadline);
      }
      const { epoch } = this;
      await this.#fresh(request, linearizable, deadline);
      const prepared = this.#ports.machine();
      if (prepare && prepared !== null) await prepare(prepared);
      // What was waited for belongs to a life that is over.
      if (epoch !== this.epoch) continue;
      const machine = this.#ports.machine();
      if (machine === null) throw notBegun();
      // What is due by the reader's clock alone may still be there for the cluster; but time passes.
      const readerMs = this.#clock.now(machine.clockMs);
      const nowMs = linearizable ? machine.clockMs : readerMs;
      const { index } = machine.applied;
      try {
        return { ...pick(machine.reads, nowMs, readerMs), epoch, index };
      } catch (error) {
        throw this.#ports.explain(error);
      }
    }
  }

  async #fresh(
    { minimum }: CacheReadRequest,
    linearizable: boolean,
    deadline: number,
  ): Promise<void> {
    const { epoch } = this;
    let wanted = minimum?.epoch === epoch ? minimum.index : 0;
    if (linearizable) {
      wanted = Math.max(wanted, await this.#freshness.readIndex(deadline));
    }
    const applied = this.#ports.machine()?.applied.index ?? 0;
    if (epoch !== this.epoch || applied >= wanted) return;
    await this.#freshness.applied(wanted, deadline).catch((error) => {
      // Nobody applies anything in a life that is over.
      if (epoch === this.epoch) throw error;
    });
  }

  /** Until this member knows that an epoch began, which another one has told the caller; no longer than `ledMs` while the group of the present one has a leader. */
  async #heardOf(
    epoch: number,
    deadline: number,
    ledMs = Infinity,
  ): Promise<void> {
    let ledSince: number | null = null;
    while (this.epoch < epoch) {
      this.#ports.throwIfStopped();
      const now = this.#ports.clock.monotonic();
      const leader = this.#ports.group()?.core.leader ?? null;
      ledSince = leader === null ? null : ledSince ?? now;
      if (ledSince !== null && now - ledSince >= ledMs) return;
      if (now >= deadline) {
        throw new HiqliteError(
          "no_leader",
          `The caches are in epoch ${this.epoch} here, and the request knows epoch ${epoch}: this member has not heard of it in time`,
        );
      }
      await this.#ports.changes.next(EPOCH_MS);
    }
  }
}

function anotherEpoch(asked: number, present: number): HiqliteError {
  const problem = asked < present
    ? `The caches began anew, empty, in epoch ${present}, and the request is for epoch ${asked}`
    : `The caches are in epoch ${present}, and the request is for epoch ${asked}, which has not begun`;
  return new HiqliteError(
    "cache_reset",
    `${problem}: nothing was done. Read again`,
  );
}

function notBegun(): HiqliteError {
  return new HiqliteError(
    "no_leader",
    "The caches have not begun on this member yet; /ready tells when they have",
  );
}
