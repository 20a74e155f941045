import type { ProposalResult } from "../../src/group/proposals.ts";
import { nodeIdOf } from "../../src/raft/types.ts";
import type { Operation, SimAnswer, SimCommand } from "./command.ts";
import { encodeCommand, readAnswer } from "./dialect.ts";
import type { Draw } from "./draw.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** Why an attempt did not end with an answer. */
type Miss = "refused" | "unknown";

/** Operations of each client once the cluster is well again. */
const LAST_OPERATIONS = 4;

/** One client: an operation at a time, at whatever member it likes, retried as its session allows. */
export class SimClient {
  readonly #world: World;
  readonly #draw: Draw;
  readonly #plain: boolean;
  #session = 0;
  #sequence = 0;
  #process: number;
  #target: number;
  #left: number;
  #begun = 0;
  /** Grows with each attempt; answers of older ones are ignored. */
  #attempt = 0;
  #idle = true;
  #turn = 0;

  /** A client that will make `operations` operations. */
  constructor(world: World, draw: Draw, operations: number) {
    this.#world = world;
    this.#draw = draw;
    this.#plain = draw.chance(world.plan.clients.plain);
    this.#process = world.history.newProcess();
    this.#target = draw.int(1, world.plan.nodes);
    this.#left = operations;
    this.#next();
  }

  /** Whether it has made all its operations. */
  get finished(): boolean {
    return this.#left === 0 && this.#idle;
  }

  /** The cluster is well again: only a few more, soon. */
  wrapUp(): void {
    this.#left = LAST_OPERATIONS;
    if (this.#idle) this.#next();
  }

  #next(): void {
    this.#idle = true;
    if (this.#left === 0) return;
    const { plan, healed } = this.#world;
    const turn = ++this.#turn;
    this.#world.scheduler.after(
      healed ? plan.tickMs : this.#draw.exponential(plan.clients.thinkMs),
      () => {
        if (turn !== this.#turn) return;
        this.#idle = false;
        this.#left--;
        this.#begun = this.#world.now;
        const poison = this.#world.plan.firstRun?.poison ?? 0;
        if (!healed && this.#draw.chance(poison)) return this.#poison();
        const operation = this.#operation();
        if (operation.kind === "read" && this.#draw.chance(0.8)) {
          const call = this.#world.history.invoke(this.#process, operation);
          this.#read(operation, call);
        } else if (this.#plain || this.#session > 0) {
          const call = this.#world.history.invoke(this.#process, operation);
          this.#sequence++;
          this.#write(operation, call);
        } else this.#open(operation);
      },
    );
  }

  /** Asks for what no log may hold: it is answered that it was kept out, under its session for ever. */
  #poison(): void {
    if (!this.#plain && this.#session === 0) return this.#next();
    const how = this.#draw.pick(["hangs", "dies", "large"] as const);
    const operation: Operation = { kind: "poison", key: 1, how };
    const command: SimCommand = {
      kind: "operation",
      session: this.#plain ? 0 : this.#session,
      sequence: ++this.#sequence,
      operation,
    };
    const ask = (): void =>
      this.#propose(command, (answer) => {
        if (answer.kind === "expired") this.#session = 0;
        else if (answer.kind !== "kept out") {
          throw new Violation("poison answered", JSON.stringify(answer));
        }
        this.#next();
      }, (miss) => {
        // Without a session nothing would tell a repetition from another one, and each costs the leader its limit.
        if (this.#plain && miss === "unknown") return this.#next();
        this.#retry(ask, () => this.#next());
      });
    ask();
  }

  #operation(): Operation {
    const { keys, reads } = this.#world.plan.clients;
    const key = this.#draw.int(1, keys);
    if (this.#draw.chance(reads)) return { kind: "read", key };
    const value = this.#world.nextValue();
    // Odd keys are lists, even ones registers.
    if (key % 2 === 1) return { kind: "append", key, value };
    if (this.#draw.chance(0.5)) return { kind: "put", key, value };
    const expected = this.#draw.int(Math.max(0, value - 6), value);
    return { kind: "cas", key, expected, value };
  }

  #open(operation: Operation): void {
    this.#propose({ kind: "open" }, (answer) => {
      // Kept out of the log: there is no session under which a write could be repeated.
      if (answer.kind !== "opened") return this.#next();
      this.#session = answer.session;
      this.#sequence = 0;
      const call = this.#world.history.invoke(this.#process, operation);
      this.#sequence++;
      this.#write(operation, call);
    }, () => this.#retry(() => this.#open(operation), () => this.#next()));
  }

  #write(operation: Operation, call: number, uncertain = false): void {
    const { history, probes } = this.#world;
    const session = this.#plain ? 0 : this.#session;
    const command: SimCommand = {
      kind: "operation",
      session,
      sequence: this.#sequence,
      operation,
    };
    this.#propose(command, (answer) => {
      if (answer.kind === "done") {
        history.answer(call, answer.value);
        return this.#next();
      }
      if (answer.kind === "kept out") {
        probes.hit("keptOut");
        if (this.#plain && uncertain) return this.#giveUp(call);
        history.fail(call);
        return this.#next();
      }
      // Forgotten: this attempt did nothing; an earlier one may have.
      probes.hit("sessionExpired");
      this.#session = 0;
      if (uncertain) this.#giveUp(call);
      else {
        history.fail(call);
        this.#next();
      }
    }, (miss) => {
      const unsure = uncertain || miss === "unknown";
      if (this.#plain && unsure) return this.#giveUp(call);
      this.#retry(
        () => this.#write(operation, call, unsure),
        () => {
          if (unsure) {
            this.#session = 0;
            this.#giveUp(call);
          } else {
            history.fail(call);
            this.#next();
          }
        },
      );
    });
  }

  /** The outcome stays open: from now on this is another logical client. */
  #giveUp(call: number): void {
    this.#world.probes.hit("outcomeUnknown");
    this.#world.history.abandon(call);
    this.#process = this.#world.history.newProcess();
    this.#next();
  }

  #retry(again: () => void, enough: () => void): void {
    if (this.#draw.chance(0.7)) {
      this.#target = this.#draw.int(1, this.#world.plan.nodes);
    }
    const { timeoutMs } = this.#world.plan.clients;
    const waited = this.#world.now - this.#begun;
    if (!this.#world.healed && waited > 20 * timeoutMs) return enough();
    this.#world.scheduler.after(this.#draw.between(1, timeoutMs / 2), again);
  }

  #propose(
    command: SimCommand,
    answered: (answer: SimAnswer) => void,
    missed: (miss: Miss) => void,
  ): void {
    const { plan, oracle, history, dialect } = this.#world;
    const attempt = this.#world.nextAttempt();
    const payload = encodeCommand(dialect, command, {
      attempt,
      padding: plan.clients.padding,
    });
    const open = this.#begin(() => missed("unknown"));
    this.#ask((process) => {
      process.group.propose(payload, (result: ProposalResult) => {
        this.#note(result, attempt);
        if (result.kind === "applied") oracle.answered(process, result);
        this.#back(() => {
          if (!open()) return;
          if (result.kind === "applied") {
            const answer = readAnswer(dialect, result.answer);
            oracle.attempts.acknowledge(attempt, result.index);
            history.newestIndex = Math.max(history.newestIndex, result.index);
            return answered(answer);
          }
          if (result.kind === "refused" && result.leader !== null) {
            this.#target = nodeIdOf(result.leader);
          }
          missed(result.kind);
        });
      });
    }, () => {
      if (open()) missed("refused");
    });
  }

  #note(result: ProposalResult, attempt: number): void {
    const { oracle, probes } = this.#world;
    if (result.kind === "unknown") probes.hit("proposalAbandoned");
    if (result.kind !== "refused") return;
    oracle.attempts.refuse(attempt);
    if (result.reason === "overloaded") probes.hit("overloaded");
    if (result.reason === "disk_full") probes.hit("diskFull");
  }

  #read(operation: Operation, call: number): void {
    const { history, oracle, probes } = this.#world;
    const floor = history.newestIndex;
    const open = this.#begin(() => this.#readAgain(operation, call));
    this.#ask((process) => {
      process.group.readIndex((index) => {
        if (index === null) {
          probes.hit("readFailed");
          return this.#back(() => {
            if (open()) this.#readAgain(operation, call);
          });
        }
        const applied = process.state.applied.index;
        const value = process.state.read(operation.key);
        this.#world.agreement.sawRead(process, operation.key, value);
        probes.hit("readConfirmed");
        if (process.core.role !== "leader") probes.hit("readOnFollower");
        oracle.fresh(process.member, applied, index, floor);
        this.#back(() => {
          if (!open()) return;
          history.answer(call, value);
          history.newestIndex = Math.max(history.newestIndex, applied);
          this.#next();
        });
      });
    }, () => {
      if (open()) this.#readAgain(operation, call);
    });
  }

  #readAgain(operation: Operation, call: number): void {
    this.#retry(() => this.#read(operation, call), () => {
      this.#world.history.fail(call);
      this.#next();
    });
  }

  /** How long to wait for an answer; patiently once there is nothing to hurry for. */
  get #timeoutMs(): number {
    const { plan, healed } = this.#world;
    const { timeoutMs } = plan.clients;
    const patient = 6 * plan.tickMs * plan.raft.electionTicks;
    return healed ? Math.max(timeoutMs, patient) : timeoutMs;
  }

  /** Starts an attempt; the answer tells whether it is still the newest and ends it. */
  #begin(timedOut: () => void): () => boolean {
    const attempt = ++this.#attempt;
    const open = (): boolean => {
      if (attempt !== this.#attempt) return false;
      this.#attempt++;
      return true;
    };
    this.#world.scheduler.after(this.#timeoutMs, () => {
      if (open()) timedOut();
    });
    return open;
  }

  #ask(
    body: (process: NonNullable<ReturnType<World["processOf"]>>) => void,
    down: () => void,
  ): void {
    const { latencyMs } = this.#world.plan.network;
    this.#world.scheduler.after(this.#draw.between(0, latencyMs), () => {
      const process = this.#world.processOf(this.#target);
      if (process === null) down();
      else process.run(() => body(process));
    });
  }

  #back(body: () => void): void {
    const { latencyMs } = this.#world.plan.network;
    this.#world.scheduler.after(this.#draw.between(0, latencyMs), body);
  }
}
