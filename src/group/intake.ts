import type { RaftCore } from "../raft/core.ts";
import type { ExecuteFirst } from "./execute_first.ts";
import type { ProposalInbox } from "./inbox.ts";
import type { PendingProposals } from "./proposals.ts";

/** How waiting proposals get into the log: all at once, or, on a leader whose machine runs commands first, a batch when the one before is done. */
export class Intake {
  readonly #core: RaftCore;
  readonly #inbox: ProposalInbox;
  readonly #stage: ExecuteFirst | null;
  readonly #proposals: PendingProposals;

  /** Takes from `inbox`, through `stage` if there is one. */
  constructor(
    core: RaftCore,
    inbox: ProposalInbox,
    stage: ExecuteFirst | null,
    proposals: PendingProposals,
  ) {
    this.#core = core;
    this.#inbox = inbox;
    this.#stage = stage;
    this.#proposals = proposals;
  }

  /** Proposals whose outcome is not known yet. */
  get outstanding(): number {
    return this.#proposals.size + this.#inbox.size + (this.#stage?.size ?? 0);
  }

  /**
   * Whether entries follow those that are committed without anybody having heard an answer; null if
   * commands are not run first, so that only who has heard one proposes again.
   */
  get follows(): boolean | null {
    if (this.#stage === null) return null;
    const { commit, lastIndex } = this.#core;
    // What the stage has besides proposals in the log is being prepared.
    const preparing = this.#stage.size > 0 && this.#proposals.size === 0;
    return this.#inbox.size > 0 || commit < lastIndex || preparing;
  }

  /** Whether {@linkcode propose} would take something. */
  get ready(): boolean {
    return this.#first?.ready ?? this.#inbox.size > 0;
  }

  /**
   * Takes what may be proposed now.
   * @throws {LogError} if the log is unusable.
   */
  propose(): void {
    if (this.#first === null) this.#inbox.propose();
    else this.#first.gather();
  }

  /** Runs what may append an entry by itself. */
  whenBetween(action: () => void): void {
    if (this.#stage === null) action();
    else this.#stage.whenBetween(action);
  }

  /** The member stops: nothing that waits will be proposed. */
  stop(): void {
    this.#stage?.stop();
    this.#inbox.stop();
  }

  /** What the core would refuse is not run first: a member that does not lead, or hands over, says who leads. */
  get #first(): ExecuteFirst | null {
    const takes = this.#core.role === "leader" && !this.#core.transferring;
    return takes ? this.#stage : null;
  }
}
