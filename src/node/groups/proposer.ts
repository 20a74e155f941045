import { HiqliteError, OutcomeUnknownError } from "../../errors.ts";
import type { MemberId } from "../../raft/types.ts";
import { nodeIdOf } from "../../raft/types.ts";
import {
  type AppliedResult,
  decodeResult,
  encodeCommand,
  stampCommand,
  validateCommand,
} from "../../state/sql/command.ts";
import type { Clock } from "../../util/clock.ts";
import type { Random } from "../../util/random.ts";
import type { RaftGroup } from "../../group/group.ts";
import {
  decodeJson,
  encodeJson,
  type PeerHandler,
} from "../../network/requests.ts";
import type { PeerAnswer, PeerRequests } from "../../network/requests.ts";
import type { WriteAnswer, WriteRequest } from "../port.ts";
import type { ProposalResult } from "../../group/proposals.ts";

/** A write that a leader took may run this long. */
const TIMEOUT_MS = 120_000;
/** How long a leader is looked for. */
const PATIENCE_MS = 10_000;
/** Pause before the same leader is asked again. */
const RETRY_MS = 20;

/** What writing needs from its node. */
export interface WritePorts {
  self(): MemberId;
  readonly clock: Clock;
  readonly random: Random;
  readonly requests: PeerRequests;
  group(): RaftGroup | null;
}

/** What one attempt came to. */
type Attempt =
  | { readonly kind: "applied"; readonly answer: Uint8Array }
  | {
    readonly kind: "refused";
    readonly reason: string;
    readonly detail: string;
  }
  | { readonly kind: "unknown" };

/** A session of the replicated state, and the writes of it that have no answer yet. */
interface Session {
  readonly id: number;
  nextSequence: number;
  /** No write below this one waits for its answer. */
  answeredBelow: number;
  readonly outstanding: Set<number>;
}

interface Waiter {
  readonly deadline: number;
  readonly wake: () => void;
}

/**
 * Brings writes to the leader, wherever it is, and repeats them until their fate
 * is known. All writes of this member run in one session, so that a repeated one
 * is applied once.
 */
export class Writes {
  readonly #ports: WritePorts;
  readonly #waiters = new Set<Waiter>();
  #session: Session | null = null;
  #opening: Promise<Session> | null = null;
  #closed = false;

  /** Opens its session with the first write. */
  constructor(ports: WritePorts) {
    this.#ports = ports;
  }

  /** Writes that wait for their answer. */
  get outstanding(): number {
    return this.#session?.outstanding.size ?? 0;
  }

  /** What a leader serves to its followers. */
  handlers(): Record<string, PeerHandler> {
    return {
      "write": (_from, body, answer) => {
        const group = this.#ports.group();
        if (group === null) {
          return answer(false, refusal("not_leader", "not in a cluster yet"));
        }
        // The frame is a view into a bigger buffer, which the log must not keep alive.
        this.#propose(group, body.slice(), (result) => {
          if (result.kind === "applied") answer(true, result.answer);
          else if (result.kind === "unknown") {
            answer(false, refusal("unknown", result.detail));
          } else answer(false, refusal(result.reason, result.detail));
        });
      },
    };
  }

  /** See {@linkcode Member.write}. */
  async write(request: WriteRequest): Promise<WriteAnswer> {
    validateCommand(request.body);
    const timeoutMs = request.timeoutMs ?? TIMEOUT_MS;
    const deadline = this.#ports.clock.monotonic() + timeoutMs;
    const session = this.#session ?? await this.#open(deadline);
    const first = await this.#writeIn(session, request, deadline);
    if (!expired(first)) return first;
    // It was certainly not applied, so the same write is safe in a new session.
    if (this.#session === session) this.#session = null;
    return this.#writeIn(await this.#open(deadline), request, deadline);
  }

  /** The leader, the term or the link to it changed: whoever waits tries again. */
  changed(): void {
    for (const waiter of this.#waiters) waiter.wake();
  }

  /** Ends attempts whose time is over. Call it a few times a second. */
  tick(): void {
    const now = this.#ports.clock.monotonic();
    for (const waiter of this.#waiters) {
      if (waiter.deadline <= now) waiter.wake();
    }
  }

  /** Refuses new writes. */
  close(): void {
    this.#closed = true;
    this.changed();
  }

  async #writeIn(
    session: Session,
    request: WriteRequest,
    deadline: number,
  ): Promise<AppliedResult> {
    const sequence = session.nextSequence++;
    session.outstanding.add(sequence);
    try {
      const identity = {
        session: session.id,
        sequence,
        answeredBelow: session.answeredBelow,
        idempotencyKey: request.idempotencyKey ?? "",
      };
      return await this.#replicate(
        encodeCommand({ ...UNSTAMPED, ...identity, body: request.body }),
        deadline,
      );
    } finally {
      endWrite(session, sequence);
    }
  }

  #open(deadline: number): Promise<Session> {
    if (this.#session !== null) return Promise.resolve(this.#session);
    const bytes = encodeCommand({
      ...UNSTAMPED,
      session: 0,
      sequence: 0,
      answeredBelow: 0,
      idempotencyKey: "",
      body: { kind: "openSession" },
    });
    this.#opening ??= this.#replicate(bytes, deadline).then(({ index }) =>
      this.#session = {
        id: index,
        nextSequence: 1,
        answeredBelow: 1,
        outstanding: new Set(),
      }
    ).finally(() => this.#opening = null);
    return this.#opening;
  }

  /** Repeats attempts until the fate of the write is known or time is over. */
  async #replicate(
    bytes: Uint8Array,
    deadline: number,
  ): Promise<AppliedResult> {
    let uncertain = false;
    let last = "no leader is known";
    let patience = this.#patience(deadline);
    for (let attempts = 0;; attempts++) {
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
          const answer = decodeResult(attempt.answer);
          if (uncertain && expired(answer)) throw unknownOutcome();
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
    if (uncertain) throw unknownOutcome();
    if (this.#closed) {
      throw new HiqliteError("shutting_down", "This member is stopping");
    }
    throw new HiqliteError(
      "no_leader",
      `The write was not applied: no leader accepted it in time (${last})`,
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
      const waiter: Waiter = {
        deadline,
        wake: () => {
          if (this.#ports.clock.monotonic() >= deadline) {
            finish({ kind: "unknown" });
          }
        },
      };
      this.#waiters.add(waiter);
      if (leader === this.#ports.self()) {
        this.#propose(group, bytes, (result) => finish(fromProposal(result)));
      } else {
        this.#ports.requests.ask(
          nodeIdOf(leader),
          "write",
          bytes,
          (answer) => finish(fromPeer(answer)),
        );
      }
    });
  }

  #propose(
    group: RaftGroup,
    bytes: Uint8Array,
    done: (result: ProposalResult) => void,
  ): void {
    const { clock, random } = this.#ports;
    stampCommand(
      bytes,
      Math.floor(clock.wall()),
      random.uint32(),
      random.uint32(),
    );
    group.propose(bytes, done);
  }

  /** Resolves when something changed, or at `until`. */
  #pause(until: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => waiter.wake(),
        Math.max(0, until - this.#ports.clock.monotonic()),
      );
      const waiter: Waiter = {
        deadline: until,
        wake: () => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve();
        },
      };
      this.#waiters.add(waiter);
    });
  }
}

const UNSTAMPED = { timeMs: 0, seed: [0, 0] } as const;

function endWrite(session: Session, sequence: number): void {
  const { outstanding, nextSequence } = session;
  outstanding.delete(sequence);
  while (
    session.answeredBelow < nextSequence &&
    !outstanding.has(session.answeredBelow)
  ) session.answeredBelow++;
}

function unknownOutcome(): OutcomeUnknownError {
  return new OutcomeUnknownError(
    "The connection to the leader was lost and nobody could say in time whether the write was applied: read before you repeat it",
  );
}

function expired({ result }: WriteAnswer): boolean {
  return !result.ok && result.error.code === "session_expired";
}

function refusal(reason: string, detail: string): Uint8Array {
  return encodeJson({ reason, detail });
}

function fromProposal(result: ProposalResult): Attempt {
  return result.kind === "unknown" ? { kind: "unknown" } : result;
}

function fromPeer(answer: PeerAnswer): Attempt {
  switch (answer.kind) {
    case "ok":
      return { kind: "applied", answer: answer.body };
    case "unsent":
      return {
        kind: "refused",
        reason: "unreachable",
        detail: "no link to the leader",
      };
    case "lost":
      return { kind: "unknown" };
    case "error": {
      const refusal = decodeJson(answer.body) as
        | { reason: string; detail: string }
        | null;
      return refusal === null || refusal.reason === "unknown"
        ? { kind: "unknown" }
        : { kind: "refused", ...refusal };
    }
  }
}

/** Refusals that another attempt would only repeat. */
function throwIfFinal(reason: string, detail: string): void {
  switch (reason) {
    case "overloaded":
      throw new HiqliteError(
        "overloaded",
        `The write was not applied: ${detail}. Try again later`,
      );
    case "disk_full":
      throw new HiqliteError(
        "disk_full",
        `The write was not applied: ${detail}`,
      );
  }
}
