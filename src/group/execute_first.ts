import type { LogIndex, Term } from "../raft/types.ts";
import {
  type PreparedEntry,
  PrepareFailedError,
  type PrepareRefusal,
  type PreparingMachine,
  WriterLostError,
} from "../state/port.ts";
import { assert } from "../util/assert.ts";
import { isFull } from "./disk_room.ts";
import type { ExecuteFirstPorts } from "./execute_first_ports.ts";
import { refuseFull, refuseStopped, type WaitingProposal } from "./inbox.ts";
import { Lineup } from "./lineup.ts";
import { type Prepared, PreparedCommit } from "./prepared_commit.ts";

/** So many preparations may end without a known cause before another member shall lead. */
const UNEXPLAINED_MAX = 2;

/** `preparing`: the machine runs a batch. `proposed`: it waits for the commit index. `ending`: it is being rolled back. */
type StagePhase = "idle" | "preparing" | "proposed" | "ending";

/**
 * What a leader does with a batch: run it in a transaction that stays open, propose it, and
 * commit it once it is replicated. So nothing that hangs, dies or is too large gets into a
 * log. One batch at a time; what arrives meanwhile is the next one, which the machine is
 * given together with the COMMIT of the one before.
 */
export class ExecuteFirst {
  readonly #machine: PreparingMachine;
  readonly #ports: ExecuteFirstPorts;
  readonly #commit: PreparedCommit;
  /** What became of a COMMIT while a preparation waited behind it; null if it is well, or not known yet. */
  #ground: { readonly failed: Error | null } | null = null;
  #phase: StagePhase = "idle";
  #stopped = false;
  /** What the machine runs now. */
  #batch: readonly WaitingProposal[] = [];
  /** What is prepared and proposed. */
  #prepared: readonly Prepared[] = [];
  #first: LogIndex = 0;
  #term: Term = 0;
  readonly #lineup: Lineup;
  #unexplained = 0;
  /** What must not come between a preparation and its proposal. */
  #behind: (() => void)[] = [];

  /** Runs batches on `machine`. */
  constructor(machine: PreparingMachine, ports: ExecuteFirstPorts) {
    this.#machine = machine;
    this.#ports = ports;
    this.#commit = new PreparedCommit(machine, ports);
    this.#lineup = new Lineup(ports.inbox);
  }

  /** Whether the machine holds a transaction, or is about to. */
  get holds(): boolean {
    return this.#phase !== "idle" || this.#commit.last !== null;
  }

  /** See {@linkcode PreparedCommit.answered}. */
  get answered(): LogIndex {
    return this.#commit.answered;
  }

  /** Proposals that are neither in the inbox nor in the log. */
  get size(): number {
    return this.#batch.length + this.#lineup.size;
  }

  /** Whether {@linkcode gather} would take something. */
  get ready(): boolean {
    const { core, applier } = this.#ports;
    if (this.#phase !== "idle" || this.#stopped) return false;
    if (!this.#lineup.waiting || core.role !== "leader") return false;
    const { last } = this.#commit;
    if (last !== null) return last === core.lastIndex && !this.#ports.moment();
    return applier.idle && this.#machine.applied.index === core.lastIndex;
  }

  /**
   * Takes what waits, if the log holds nothing that is neither applied nor being committed; the own first entry of the term included.
   * @throws {LogError} if the log is unusable.
   */
  gather(): void {
    const { core, inbox, applier, room, commands } = this.#ports;
    if (room.stateFull) return inbox.propose();
    if (!this.ready) {
      if (inbox.size > 0) applier.hurry(core.lastIndex);
      return;
    }
    const batch = this.#lineup.take();
    if (!inbox.roomFor(batch)) return refuseFull(batch);
    applier.lend();
    this.#phase = "preparing";
    this.#batch = batch;
    this.#first = core.lastIndex + 1;
    this.#term = core.term;
    const payloads = batch.map(({ payload }) => payload);
    payloads.forEach((payload) => commands.stamp(payload));
    if (this.#commit.last === null) this.#watchRun();
    const preparation = { first: this.#first, term: this.#term, payloads };
    this.#machine.prepare(preparation, (error, outcomes) => {
      if (this.#stopped) return;
      this.#ports.watch.end();
      this.#ended(batch, error, outcomes);
      for (const run of this.#behind.splice(0)) run();
    });
  }

  /** The time of a preparation begins once the COMMIT before it is over. */
  #watchRun(): void {
    this.#ports.watch.begin(this.#batch, this.#lineup.trialMs);
  }

  #ended(
    batch: readonly WaitingProposal[],
    error: Error | null,
    outcomes: readonly PreparedEntry[],
  ): void {
    // What was expelled is in the log already, at the place of the batch.
    const left = this.#batch;
    const ground = this.#ground;
    this.#batch = [];
    this.#ground = null;
    this.#guarded(() => {
      if (ground !== null && (ground.failed ?? error) !== null) {
        this.#sank(batch, ground.failed);
      } else if (left.length < batch.length) this.#came(left, error);
      else if (error === null) this.#ran(batch, outcomes);
      else this.#broke(batch, error);
    });
  }

  /** A preparation ended with the COMMIT before it, or with the writer that did it: it is not to blame. */
  #sank(batch: readonly WaitingProposal[], failed: Error | null): void {
    this.#lineup.again(batch);
    if (failed !== null) this.#commitFailed(failed);
    else this.#free();
  }

  /** Runs `action`, which may append entries: not between a preparation and its proposal. */
  whenBetween(action: () => void): void {
    if (this.#phase === "preparing") this.#behind.push(action);
    else action();
  }

  /** The core made a step: what was prepared must not outlive the leadership it was prepared in. */
  observe(): void {
    if (this.#leads()) return;
    this.#lineup.disperse();
    if (this.#phase === "proposed") this.#rollBack();
  }

  /** Entries up to `index` are committed, and durable here. */
  advance(index: LogIndex): void {
    const last = this.#first + this.#prepared.length - 1;
    if (this.#phase === "proposed" && index >= last) this.#commitAll();
  }

  /** So much time passed. */
  tick(elapsedMs: number): void {
    if (this.#phase !== "preparing") return;
    this.#ports.watch.tick(elapsedMs, this.#leads());
  }

  /**
   * What runs at this place hangs, and so does this member's machine. A stand-in gets into the
   * log without being run here, so that the next leader knows better than to run the command.
   */
  expel(at: number): void {
    const proposal = this.#batch[at];
    if (proposal !== undefined && this.#leads()) {
      this.#batch = this.#batch.filter((each) => each !== proposal);
      const detail = "The write ran for too long on the leader";
      const standIn = this.#refused(proposal, "timeout", detail);
      this.#guarded(() => this.#ports.inbox.append([standIn]));
    }
    this.#handOver();
  }

  /** Begins nothing any more. What is prepared goes with the machine. */
  stop(): void {
    this.#stopped = true;
    this.#commit.stop();
    this.#lineup.disperse();
    for (const { done } of this.#batch) refuseStopped(done);
    for (const run of this.#behind.splice(0)) run();
    this.#batch = [];
  }

  /** A preparation that seemed to hang for good ended after all. */
  #came(left: readonly WaitingProposal[], error: Error | null): void {
    this.#ports.inbox.putBack(left);
    if (error === null) return this.#rollBack();
    if (!(error instanceof PrepareFailedError) && !isFull(error)) {
      return this.#ports.machineFailed(error);
    }
    this.#free();
  }

  #leads(): boolean {
    const { core } = this.#ports;
    return core.role === "leader" && core.term === this.#term;
  }

  #ran(
    batch: readonly WaitingProposal[],
    outcomes: readonly PreparedEntry[],
  ): void {
    const { core, inbox, room } = this.#ports;
    room.prepared(null);
    if (!this.#leads() || core.lastIndex + 1 !== this.#first) {
      this.#lineup.again(batch);
      return this.#rollBack();
    }
    if (outcomes[0]!.kind === "alone") {
      const [alone, ...rest] = batch;
      inbox.putBack(rest);
      return this.#rollBack(() => inbox.append([alone!]));
    }
    const prepared: Prepared[] = [];
    const back: WaitingProposal[] = [];
    outcomes.forEach((outcome, i) => {
      const proposal = batch[i]!;
      if (outcome.kind === "prepared") prepared.push({ ...outcome, proposal });
      else if (outcome.kind === "refused") {
        back.push(this.#refused(proposal, outcome.reason, outcome.detail));
      }
    });
    inbox.putBack([...back, ...batch.slice(outcomes.length)]);
    if (prepared.length === 0) this.#rollBack();
    else this.#propose(prepared);
  }

  /** In one step of the core, at the very place for which the batch was prepared. */
  #propose(prepared: readonly Prepared[]): void {
    const { inbox, commands, proposals, step } = this.#ports;
    const batch = prepared.map(({ proposal }) => proposal);
    if (!inbox.roomFor(batch)) {
      refuseFull(batch);
      return this.#rollBack();
    }
    const payloads = prepared.map(({ proposal: { payload }, hash }) => {
      commands.seal(payload, hash);
      return payload;
    });
    const outcome = step({ kind: "propose", payloads });
    if (outcome.kind !== "appended") {
      if (outcome.kind === "refused") {
        batch.forEach(({ done }) => done(outcome));
      }
      return this.#rollBack();
    }
    assert(outcome.first.index === this.#first, "proposed at another place");
    this.#prepared = prepared;
    this.#phase = "proposed";
    batch.forEach(({ done }, i) =>
      proposals.add(this.#first + i, this.#term, done)
    );
  }

  #commitAll(): void {
    const batch = {
      first: this.#first,
      term: this.#term,
      prepared: this.#prepared,
    };
    this.#prepared = [];
    this.#phase = "idle";
    if (!this.#lineup.alone) this.#unexplained = 0;
    this.#lineup.committed();
    this.#commit.begin(batch, (failed, disturbed) => {
      if (this.#phase === "preparing") {
        if (disturbed) this.#ground = { failed };
        if (failed === null) this.#watchRun();
      } else if (failed !== null) this.#commitFailed(failed);
      else this.#free();
    });
    this.#ports.wake();
  }

  /** It is committed all the same: it is applied like any other member's, without room once there is some. */
  #commitFailed(error: Error): void {
    const lost = error instanceof PrepareFailedError ||
      error instanceof WriterLostError;
    if (lost) this.#rollBack();
    else if (isFull(error)) this.#rollBack(() => {}, error);
    else this.#ports.machineFailed(error);
  }

  /** What was proposed may still be committed: then it is applied like any other member's, and answered from that. */
  #rollBack(then: () => void = () => {}, full: Error | null = null): void {
    this.#phase = "ending";
    this.#prepared = [];
    this.#machine.rollbackPrepared((error) => {
      if (this.#stopped) return;
      if (error !== null) return this.#ports.machineFailed(error);
      this.#phase = "idle";
      this.#guarded(then);
      this.#ports.applier.giveBack(full !== null);
      if (full !== null) this.#ports.machineFailed(full);
      this.#released();
    });
  }

  /** Nothing of the batch is left in the machine. */
  #broke(batch: readonly WaitingProposal[], error: Error): void {
    const { inbox, room, applier } = this.#ports;
    if (error instanceof PrepareFailedError) {
      inbox.putBack(this.#leads() ? this.#blame(batch, error) : batch);
    } else if (isFull(error)) {
      room.prepared(error);
      refuseFull(batch);
    } else return this.#ports.machineFailed(error);
    this.#phase = "idle";
    applier.giveBack();
    if (this.#unexplained >= UNEXPLAINED_MAX) {
      this.#unexplained = 0;
      this.#handOver();
    }
    this.#released();
  }

  /** What comes next instead of a batch that failed: without a certain cause each of it alone. */
  #blame(
    batch: readonly WaitingProposal[],
    { at, reason, message }: PrepareFailedError,
  ): WaitingProposal[] {
    const late = reason === "timeout";
    const culprit = this.#lineup.culprit(batch.length, at, late);
    if (culprit === null) {
      this.#lineup.suspect(batch.length, late);
      if (!late) this.#unexplained++;
      return [...batch];
    }
    const others = batch.filter((_, i) => i !== culprit);
    const { payload, done, standIn } = batch[culprit]!;
    if (late && this.#ports.watch.onTrial(payload)) {
      this.#lineup.defer(batch[culprit]!);
      return others;
    }
    if (standIn) {
      // Not even what stands for a command can be run: the machine is to blame.
      done({ kind: "unknown", detail: message });
      this.#unexplained++;
      return others;
    }
    this.#unexplained = 0;
    return batch.map((proposal, i) =>
      i === culprit ? this.#refused(proposal, reason, message) : proposal
    );
  }

  #handOver(): void {
    this.#ports.step({ kind: "transferLeadership", target: null });
  }

  #refused(
    { payload, done }: WaitingProposal,
    reason: PrepareRefusal,
    detail: string,
  ): WaitingProposal {
    const { commands } = this.#ports;
    const standIn = commands.refusal(payload, reason, detail);
    return { payload: standIn, done, standIn: true };
  }

  /** The machine has no transaction and nothing to do for the stage. */
  #free(): void {
    this.#phase = "idle";
    this.#ports.applier.giveBack();
    this.#released();
  }

  #released(): void {
    this.#ports.released();
    this.#ports.wake();
  }

  /** Outside of the loop's pass: what the log throws ends the member. */
  #guarded(body: () => void): void {
    try {
      body();
    } catch (error) {
      this.#ports.failed(error as Error);
    }
  }
}
