import { HiqliteError, OutcomeUnknownError } from "../../errors.ts";
import type { RaftGroup } from "../../group/group.ts";
import type { PeerRequests } from "../../network/requests.ts";
import { type MemberId, nodeIdOf } from "../../raft/types.ts";
import { type Answer, decodeAnswer } from "../../state/answer.ts";
import { type FactChange, writeFactChange } from "../../state/cluster_facts.ts";
import {
  NO_IDENTITY,
  peekSequence,
  type WriteIdentity,
} from "../../state/envelope.ts";
import { FIRST_LEVEL } from "../../state/level.ts";
import type { Clock } from "../../util/clock.ts";
import { DeadlineWaiters } from "../../util/deadline_waiters.ts";
import type { Changes } from "../changes.ts";
import {
  answerOf,
  type Attempt,
  fromPeer,
  fromProposal,
  UNKNOWN,
} from "./attempt.ts";
import {
  type Destination,
  encodeProposal,
  envelopeOf,
  PROPOSE,
} from "./forwarding.ts";
import type { GroupId } from "../../group/messages.ts";
import type { Proposal, ProposalCaller } from "./proposal.ts";
import { ProposerSession } from "./proposer_session.ts";
import { tellTrace } from "./trace_notice.ts";
import { begunAnew, isExpired, throwIfFinal, tooNew } from "./refusals.ts";

/** How long a leader is looked for. */
const PATIENCE_MS = 10_000;
/** Pause before the same leader is asked again. */
const RETRY_MS = 20;

/** What proposing needs from its node. */
export interface ProposerPorts {
  self(): MemberId;
  readonly clock: Clock;
  readonly requests: PeerRequests;
  /** Announces new leaders and links. */
  readonly changes: Changes;
  group(): RaftGroup | null;
  /** The group's present life; see {@linkcode Destination}. */
  epoch(): number;
  /** The cluster's feature level: what every member can read. */
  level(): number;
}

/** An attempt that was made, and the life of the group that it was made in. */
interface FirstAttempt {
  /** Null: there was no leader to ask. */
  readonly attempt: Attempt | null;
  readonly epoch: number;
}

/**
 * Brings proposals to the leader of one group, wherever it is, and repeats them until
 * their fate is known. All of this member run in one session, so that a repeated
 * one is applied once. Bytes in, bytes out: it knows no state machine.
 */
export class Proposer {
  readonly #groupId: GroupId;
  readonly #ports: ProposerPorts;
  readonly #waiters = new DeadlineWaiters();
  /** Attempts at other members, by the number of their request. */
  readonly #forwarded = new Map<number, MemberId>();
  #session: ProposerSession | null = null;
  #opening: Promise<ProposerSession> | null = null;
  #closed = false;
  #outstanding = 0;

  /** Opens its session with the first proposal. */
  constructor(groupId: GroupId, ports: ProposerPorts) {
    this.#groupId = groupId;
    this.#ports = ports;
  }

  /** Proposals that wait for their answer. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /**
   * Proposes a command and returns the answer, once it is applied on the leader.
   * @throws {HiqliteError} `conflict` if some member could not read it.
   * @throws {HiqliteError} `no_leader`, `overloaded`, `disk_full`, `shutting_down`: not applied; `outcome_unknown`: perhaps applied. Also what `body` throws.
   */
  propose(proposal: Proposal): Promise<Answer> {
    return new Promise((resolve, reject) =>
      this.start(proposal, { resolve, reject })
    );
  }

  /** As {@linkcode propose}, without a promise: this is on the way of every write. Never throws. */
  start(proposal: Proposal, caller: ProposalCaller): void {
    const { level = FIRST_LEVEL } = proposal;
    if (level > this.#ports.level()) {
      return caller.reject(tooNew(level, this.#ports.level()));
    }
    const deadline = this.#ports.clock.monotonic() + proposal.timeoutMs;
    const session = this.#known;
    this.#outstanding++;
    const ending: ProposalCaller = {
      resolve: (answer) => {
        this.#outstanding--;
        caller.resolve(answer);
      },
      reject: (error) => {
        this.#outstanding--;
        caller.reject(error);
      },
    };
    if (session !== null && !this.#closed) {
      return this.#proposeAtOnce(session, proposal, deadline, ending);
    }
    this.#proposeInNewSession(proposal, deadline)
      .then(ending.resolve, ending.reject);
  }

  /** Proposes a change of the cluster's facts. Repeated, it has no effect, so it needs no session. */
  change(change: FactChange, timeoutMs: number): Promise<Answer> {
    return this.#replicate(
      encodeProposal(
        this.#destination,
        "fact",
        NO_IDENTITY,
        (writer) => writeFactChange(writer, change),
      ),
      this.#ports.clock.monotonic() + timeoutMs,
    );
  }

  /**
   * Another member leads now: what was handed to a former leader, which may have
   * fallen silent, is given up there, and proposed to this one in the same session.
   */
  leaderChanged(leader: MemberId | null): void {
    if (leader === null) return;
    for (const [request, asked] of [...this.#forwarded]) {
      if (asked !== leader) this.#ports.requests.cancel(request);
    }
  }

  /** Proposes an entry that carries nothing but the time. */
  tellTime(timeoutMs: number): Promise<Answer> {
    const bytes = encodeProposal(this.#destination, "clock", NO_IDENTITY);
    const deadline = this.#ports.clock.monotonic() + timeoutMs;
    return this.#replicate(bytes, deadline);
  }

  /** Ends attempts whose time is over. Call it a few times a second. */
  tick(): void {
    this.#waiters.tick(this.#ports.clock.monotonic());
  }

  /** Refuses new proposals, and gives up repeating old ones. */
  close(): void {
    this.#closed = true;
    this.#ports.changes.announce();
  }

  /** Nearly every proposal finds its session and its leader, and its fate is known after one attempt. */
  #proposeAtOnce(
    session: ProposerSession,
    proposal: Proposal,
    deadline: number,
    caller: ProposalCaller,
  ): void {
    const { idempotencyKey, traceparent } = proposal;
    const identity = session.begin(idempotencyKey, traceparent);
    let bytes: Uint8Array;
    try {
      bytes = this.#encode(identity, proposal);
    } catch (error) {
      session.end(identity);
      return caller.reject(error);
    }
    const epoch = this.#ports.epoch();
    this.#attempt(bytes, deadline, (attempt) => {
      const answer = answerOf(attempt);
      if (answer !== null && !isExpired(answer)) {
        session.end(identity);
        return caller.resolve(answer);
      }
      this.#replicate(bytes, deadline, { attempt, epoch })
        .finally(() => session.end(identity))
        .then((answer) => this.#renewed(session, answer, proposal, deadline))
        .then(caller.resolve, caller.reject);
    });
  }

  async #proposeInNewSession(
    proposal: Proposal,
    deadline: number,
  ): Promise<Answer> {
    const session = await this.#open(deadline);
    const answer = await this.#proposeIn(session, proposal, deadline);
    return await this.#renewed(session, answer, proposal, deadline);
  }

  async #proposeIn(
    session: ProposerSession,
    proposal: Proposal,
    deadline: number,
  ): Promise<Answer> {
    const { idempotencyKey, traceparent } = proposal;
    const identity = session.begin(idempotencyKey, traceparent);
    try {
      const bytes = this.#encode(identity, proposal);
      return await this.#replicate(bytes, deadline);
    } finally {
      session.end(identity);
    }
  }

  /** What `session` expired for was certainly not applied, so the same command is safe in a new one. */
  async #renewed(
    session: ProposerSession,
    answer: Answer,
    proposal: Proposal,
    deadline: number,
  ): Promise<Answer> {
    if (!isExpired(answer)) return answer;
    if (this.#session === session) this.#session = null;
    const next = await this.#open(deadline);
    return await this.#proposeIn(next, proposal, deadline);
  }

  #encode(
    identity: WriteIdentity,
    { body, level = FIRST_LEVEL, maxRunMs = 0, epoch }: Proposal,
  ): Uint8Array {
    // While the session was opened, the group may have begun anew.
    if (epoch !== undefined && epoch !== this.#ports.epoch()) throw begunAnew();
    const needs = { level, maxRunMs };
    return encodeProposal(this.#destination, "command", identity, body, needs);
  }

  #open(deadline: number): Promise<ProposerSession> {
    if (this.#known !== null) return Promise.resolve(this.#known);
    const to = this.#destination;
    const bytes = encodeProposal(to, "openSession", NO_IDENTITY);
    this.#opening ??= this.#replicate(bytes, deadline).then((answer) => {
      const { index, refusal } = answer;
      if (refusal !== null) {
        throw new HiqliteError(refusal.code, refusal.message);
      }
      return this.#session = new ProposerSession(index, to.epoch);
    }).finally(() => this.#opening = null);
    return this.#opening;
  }

  /** The session, if the group's present life knows it. */
  get #known(): ProposerSession | null {
    const session = this.#session;
    return session?.epoch === this.#ports.epoch() ? session : null;
  }

  get #destination(): Destination {
    return { group: this.#groupId, epoch: this.#ports.epoch() };
  }

  /** Repeats attempts until the fate of the proposal is known or time is over; `first` is what the first one came to. */
  async #replicate(
    bytes: Uint8Array,
    deadline: number,
    first?: FirstAttempt,
  ): Promise<Answer> {
    const epoch = first?.epoch ?? this.#ports.epoch();
    let uncertain = false;
    let last = "no leader is known";
    let patience = this.#patience(deadline);
    for (let attempts = 0;; attempts++) {
      let attempt = first?.attempt;
      if (attempts > 0 || attempt === undefined) {
        if (epoch !== this.#ports.epoch()) {
          throw uncertain ? this.#unknownOutcome() : begunAnew();
        }
        this.#throwIfOver(patience, uncertain, last);
        // The log keeps what was proposed, so a repetition is stamped on a copy.
        const copy = attempts === 0 ? bytes : bytes.slice();
        attempt = await this.#attempted(copy, deadline);
      }
      if (attempt === null) {
        await this.#pause(patience);
        continue;
      }
      switch (attempt.kind) {
        case "applied": {
          const answer = decodeAnswer(attempt.answer);
          if (uncertain && isExpired(answer)) throw this.#unknownOutcome();
          return answer;
        }
        case "unknown":
          uncertain = true;
          patience = this.#patience(deadline);
          break;
        case "refused":
          last = attempt.detail;
          if (!uncertain) throwIfFinal(attempt.reason, attempt.detail);
          await this.#pause(
            Math.min(patience, this.#ports.clock.monotonic() + RETRY_MS),
          );
      }
    }
  }

  #patience(deadline: number): number {
    return Math.min(deadline, this.#ports.clock.monotonic() + PATIENCE_MS);
  }

  #throwIfOver(deadline: number, uncertain: boolean, last: string): void {
    const over = this.#ports.clock.monotonic() >= deadline;
    if (!over && !this.#closed) return;
    if (uncertain) throw this.#unknownOutcome();
    if (this.#closed) {
      throw new HiqliteError("shutting_down", "This member is stopping");
    }
    throw new HiqliteError(
      "no_leader",
      `The write was not applied: no leader accepted it in time (${last})`,
    );
  }

  #unknownOutcome(): OutcomeUnknownError {
    const leads = this.#ports.group()?.core.leader === this.#ports.self();
    return new OutcomeUnknownError(
      leads
        ? "The write was taken, and this member, which leads, has not finished it in time: its database is busy. It may still be applied: read before you repeat it"
        : "The leader did not answer in time, or the connection to it was lost, and nobody could say whether the write was applied: read before you repeat it",
    );
  }

  #attempted(bytes: Uint8Array, deadline: number): Promise<Attempt | null> {
    return new Promise((resolve) => this.#attempt(bytes, deadline, resolve));
  }

  /** Asks the leader once; null if there is none to ask. */
  #attempt(
    bytes: Uint8Array,
    deadline: number,
    done: (attempt: Attempt | null) => void,
  ): void {
    const group = this.#ports.group();
    const leader = group?.core.leader ?? null;
    if (group === null || leader === null) return done(null);
    const finish = (attempt: Attempt): void => {
      // What comes after the time was over is heard by nobody.
      if (this.#waiters.delete(waiter)) done(attempt);
    };
    const waiter = { deadline, late: () => done(UNKNOWN) };
    this.#waiters.add(waiter);
    if (leader === this.#ports.self()) {
      group.propose(
        envelopeOf(bytes),
        (result) => finish(fromProposal(result)),
      );
    } else this.#forward(leader, bytes, finish);
  }

  #forward(
    leader: MemberId,
    bytes: Uint8Array,
    finish: (attempt: Attempt) => void,
  ): void {
    this.#tellTrace(leader, envelopeOf(bytes));
    const request = this.#ports.requests.ask(
      nodeIdOf(leader),
      PROPOSE,
      bytes,
      (answer) => {
        this.#forwarded.delete(request);
        finish(fromPeer(answer));
      },
    );
    this.#forwarded.set(request, leader);
  }

  /** Whether the leader can do something with it is its matter. */
  #tellTrace(leader: MemberId, envelope: Uint8Array): void {
    const traceparent = this.#session?.traceparentOf(envelope);
    if (traceparent === undefined) return;
    const sequence = peekSequence(envelope);
    const notice = { group: this.#groupId, sequence, traceparent };
    tellTrace(this.#ports.requests, leader, notice);
  }

  /** Resolves when something changed, or at `until`. */
  #pause(until: number): Promise<void> {
    return this.#ports.changes.next(
      Math.max(0, until - this.#ports.clock.monotonic()),
    );
  }
}
