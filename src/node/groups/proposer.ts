import { HiqliteError, OutcomeUnknownError } from "../../errors.ts";
import type { RaftGroup } from "../../group/group.ts";
import type { PeerRequests } from "../../network/requests.ts";
import { type MemberId, nodeIdOf } from "../../raft/types.ts";
import { type Answer, decodeAnswer } from "../../state/answer.ts";
import { type FactChange, writeFactChange } from "../../state/cluster_facts.ts";
import { NO_IDENTITY } from "../../state/envelope.ts";
import { FIRST_LEVEL } from "../../state/level.ts";
import type { ByteWriter } from "../../util/bytes.ts";
import type { Clock } from "../../util/clock.ts";
import { DeadlineWaiters } from "../../util/deadline_waiters.ts";
import type { Changes } from "../changes.ts";
import { type Attempt, fromPeer, fromProposal, UNKNOWN } from "./attempt.ts";
import {
  type Destination,
  encodeProposal,
  envelopeOf,
  PROPOSE,
} from "./forwarding.ts";
import type { GroupId } from "../../group/messages.ts";
import { ProposerSession } from "./proposer_session.ts";

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

/** A command for a group's state machine. */
export interface Proposal {
  /** Appends the machine's own bytes; called again if the session has to be renewed. */
  body(writer: ByteWriter): void;
  /** A retry with the same key applies once; empty for none. */
  readonly idempotencyKey: string;
  /** The feature level that a member needs to read it. @default {1} */
  readonly level?: number;
  /** How long the leader may run it, ms; 0 for the leader's usual limit. @default {0} */
  readonly maxRunMs?: number;
  /** The life of the group that it is meant for; in any other one it is refused. @default the present one */
  readonly epoch?: number;
  /** How long to wait for the answer, ms; a leader is looked for at most 10 s of it. */
  readonly timeoutMs: number;
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
  async propose(proposal: Proposal): Promise<Answer> {
    const { level = FIRST_LEVEL } = proposal;
    if (level > this.#ports.level()) throw tooNew(level, this.#ports.level());
    const deadline = this.#ports.clock.monotonic() + proposal.timeoutMs;
    this.#outstanding++;
    try {
      const session = this.#known ?? await this.#open(deadline);
      const first = await this.#proposeIn(session, proposal, deadline);
      if (!isExpired(first)) return first;
      // It was certainly not applied, so the same command is safe in a new session.
      if (this.#session === session) this.#session = null;
      const next = await this.#open(deadline);
      return await this.#proposeIn(next, proposal, deadline);
    } finally {
      this.#outstanding--;
    }
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

  async #proposeIn(
    session: ProposerSession,
    { body, idempotencyKey, level, maxRunMs, epoch }: Proposal,
    deadline: number,
  ): Promise<Answer> {
    // While the session was opened, the group may have begun anew.
    if (epoch !== undefined && epoch !== this.#ports.epoch()) throw begunAnew();
    const identity = session.begin(idempotencyKey);
    try {
      return await this.#replicate(
        encodeProposal(this.#destination, "command", identity, body, {
          level: level ?? FIRST_LEVEL,
          maxRunMs: maxRunMs ?? 0,
        }),
        deadline,
      );
    } finally {
      session.end(identity);
    }
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

  /** Repeats attempts until the fate of the proposal is known or time is over. */
  async #replicate(bytes: Uint8Array, deadline: number): Promise<Answer> {
    const epoch = this.#ports.epoch();
    let uncertain = false;
    let last = "no leader is known";
    let patience = this.#patience(deadline);
    for (let attempts = 0;; attempts++) {
      if (epoch !== this.#ports.epoch()) {
        throw uncertain ? this.#unknownOutcome() : begunAnew();
      }
      this.#throwIfOver(patience, uncertain, last);
      // The log keeps what was proposed, so a repetition is stamped on a copy.
      const copy = attempts === 0 ? bytes : bytes.slice();
      const attempt = await this.#attempt(copy, deadline);
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

  /** Asks the leader once; null if there is none to ask. */
  #attempt(bytes: Uint8Array, deadline: number): Promise<Attempt | null> {
    const group = this.#ports.group();
    const leader = group?.core.leader ?? null;
    if (group === null || leader === null) return Promise.resolve(null);
    return new Promise((resolve) => {
      const finish = (attempt: Attempt): void => {
        this.#waiters.delete(waiter);
        resolve(attempt);
      };
      const waiter = { deadline, late: () => finish(UNKNOWN) };
      this.#waiters.add(waiter);
      if (leader === this.#ports.self()) {
        group.propose(
          envelopeOf(bytes),
          (result) => finish(fromProposal(result)),
        );
      } else this.#forward(leader, bytes, finish);
    });
  }

  #forward(
    leader: MemberId,
    bytes: Uint8Array,
    finish: (attempt: Attempt) => void,
  ): void {
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

  /** Resolves when something changed, or at `until`. */
  #pause(until: number): Promise<void> {
    return this.#ports.changes.next(
      Math.max(0, until - this.#ports.clock.monotonic()),
    );
  }
}

function tooNew(needed: number, level: number): HiqliteError {
  return new HiqliteError(
    "conflict",
    `This needs feature level ${needed}, and the cluster is at ${level}: some member runs an older release. Upgrade every member first`,
  );
}

/** A later life of the group knows neither the session nor what it was asked. */
function begunAnew(): HiqliteError {
  return new HiqliteError(
    "no_leader",
    "The write was not applied: its group began anew. Try again",
  );
}

function isExpired({ refusal }: Answer): boolean {
  return refusal?.code === "session_expired";
}

/** Refusals that another attempt would only repeat. */
function throwIfFinal(reason: string, detail: string): void {
  if (reason === "overloaded") {
    throw new HiqliteError(
      "overloaded",
      `The write was not applied: ${detail}. Try again later`,
    );
  }
  if (reason === "disk_full") {
    throw new HiqliteError("disk_full", `The write was not applied: ${detail}`);
  }
}
