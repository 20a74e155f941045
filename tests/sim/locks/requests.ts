import { nodeIdOf } from "../../../src/raft/types.ts";
import type { Draw } from "../draw.ts";
import type { SimMember } from "../member.ts";
import type { World } from "../world.ts";
import { type Asked, encodeAsked, readReply, type Reply } from "./commands.ts";

/** What becomes of a request. */
export interface Ends {
  /** An attempt reaches a member. */
  sending(process: SimMember): void;
  answered(reply: Reply): void;
  /** Nobody knows whether it was done. */
  unanswered(): void;
}

/** Requests of one client, one at a time, each repeated under its session until it is answered. */
export class Requests {
  readonly #world: World;
  readonly #draw: Draw;
  #session = 0;
  #sequence = 0;
  #target: number;
  #attempt = 0;

  /** To whatever members `draw` says. */
  constructor(world: World, draw: Draw) {
    this.#world = world;
    this.#draw = draw;
    this.#target = draw.int(1, world.plan.nodes);
  }

  /** Asks, within a session that is opened before if there is none. */
  ask(asked: Asked, ends: Ends): void {
    const begun = this.#world.now;
    if (this.#session > 0) {
      this.#sequence++;
      return this.#send(asked, ends, begun);
    }
    this.#send("session", {
      sending: () => {},
      answered: (reply) => {
        if (reply.kind !== "opened") return ends.answered(reply);
        this.#session = reply.session;
        this.#sequence = 1;
        this.#send(asked, ends, begun);
      },
      unanswered: () => ends.answered({ kind: "kept out" }),
    }, begun);
  }

  #send(asked: Asked, ends: Ends, begun: number, unsure = false): void {
    const { plan, oracle, history } = this.#world;
    const attempt = this.#world.nextAttempt();
    const payload = encodeAsked(asked, attempt, {
      session: this.#session,
      sequence: this.#sequence,
    });
    const missed = (unknown: boolean): void =>
      this.#again(asked, ends, begun, unsure || unknown);
    const open = this.#begin(() => missed(true));
    const ask = (process: SimMember): void => {
      ends.sending(process);
      process.group.propose(payload, (result) => {
        if (result.kind === "refused") oracle.attempts.refuse(attempt);
        if (result.kind === "applied") oracle.answered(process, result);
        this.#back(() => {
          if (!open()) return;
          if (result.kind === "refused" && result.leader !== null) {
            this.#target = nodeIdOf(result.leader);
          }
          if (result.kind !== "applied") {
            return missed(result.kind === "unknown");
          }
          oracle.attempts.acknowledge(attempt, result.index);
          history.answered++;
          const reply = readReply(asked, result.answer);
          if (reply.kind !== "expired") return ends.answered(reply);
          this.#session = 0;
          if (unsure) ends.unanswered();
          else ends.answered(reply);
        });
      });
    };
    const { latencyMs } = plan.network;
    this.#world.scheduler.after(this.#draw.between(0, latencyMs), () => {
      const process = this.#world.processOf(this.#target);
      if (process !== null) return process.run(() => ask(process));
      if (open()) missed(false);
    });
  }

  #again(asked: Asked, ends: Ends, begun: number, unsure: boolean): void {
    const { plan, healed, now } = this.#world;
    if (this.#draw.chance(0.7)) this.#target = this.#draw.int(1, plan.nodes);
    const { timeoutMs } = plan.clients;
    if (!healed && now - begun > 20 * timeoutMs) {
      if (!unsure) return ends.answered({ kind: "kept out" });
      this.#world.history.unknown++;
      this.#session = 0;
      return ends.unanswered();
    }
    this.#world.scheduler.after(
      this.#draw.between(1, timeoutMs / 2),
      () => this.#send(asked, ends, begun, unsure),
    );
  }

  /** Starts an attempt; the answer tells whether it is still the newest and ends it. */
  #begin(timedOut: () => void): () => boolean {
    const { plan, healed } = this.#world;
    const attempt = ++this.#attempt;
    const open = (): boolean => {
      if (attempt !== this.#attempt) return false;
      this.#attempt++;
      return true;
    };
    const patient = 6 * plan.tickMs * plan.raft.electionTicks;
    const { timeoutMs } = plan.clients;
    this.#world.scheduler.after(
      healed ? Math.max(timeoutMs, patient) : timeoutMs,
      () => {
        if (open()) timedOut();
      },
    );
    return open;
  }

  #back(body: () => void): void {
    const { latencyMs } = this.#world.plan.network;
    this.#world.scheduler.after(this.#draw.between(0, latencyMs), body);
  }
}
