import type { RaftCore } from "../raft/core.ts";
import type { AppendEntries } from "../raft/messages.ts";
import type { Configuration, LogIndex, MemberId } from "../raft/types.ts";

/** No more entries wait for one member. */
const WAITING_ENTRIES_MAX = 64;
/** No more bytes of them: larger messages than others there need not be. */
const WAITING_BYTES_MAX = 256 * 1024;

/** So many messages do not wait after one that was told at once has not answered in time. */
const UNSTAGGERED = 64;

/** What staggering needs. */
export interface StaggerPorts {
  readonly core: Pick<
    RaftCore,
    "bytesBetween" | "commit" | "config" | "term" | "transferring"
  >;
  readonly self: MemberId;
  /** Appends go on through it. */
  send(message: AppendEntries): void;
  /** See {@linkcode GroupPorts.linger}. Without it nothing waits. */
  readonly linger: ((callback: () => void) => () => void) | undefined;
}

/**
 * A leader's entries go at once to as many members as a commit needs beside itself, and to the others a few ms later,
 * many in one message. Each message costs its receiver and the leader more than a small entry does, and where members
 * share a machine, those who hurry take its processors from one another. If those who were told at once have not
 * answered when the others are told, all are told at once for a while, and then another one comes first. For Raft this
 * is a slow network.
 */
export class StaggeredAppends {
  readonly #ports: StaggerPorts;
  /** What waits, one message for each member. */
  readonly #waiting = new Map<MemberId, AppendEntries>();
  /** Of the first message that waits. */
  #waitingFrom: LogIndex = 0;
  #stopTimer: (() => void) | null = null;
  #config: Configuration | null = null;
  /** Other voters, those first that are told at once; empty where everybody is. */
  #order: MemberId[] = [];
  /** How many are told at once. */
  #prompt = 0;
  /** Messages that are still not to wait. */
  #unstaggered = 0;

  /** Nobody waits. */
  constructor(ports: StaggerPorts) {
    this.#ports = ports;
  }

  /** Sends a message now, or soon. */
  push(message: AppendEntries): void {
    const { to, prev, last } = message;
    if (!this.#mayWait(message)) {
      this.hurry(to);
      return this.#ports.send(message);
    }
    const waiting = this.#waiting.get(to);
    const follows = waiting !== undefined && waiting.term === message.term &&
      waiting.last === prev.index &&
      this.#isFew(waiting.prev.index, last);
    if (!follows) this.hurry(to);
    const all = follows ? { ...message, prev: waiting.prev } : message;
    this.#waiting.set(to, all);
    if (!this.#isFew(prev.index, last)) return this.hurry(to);
    if (this.#stopTimer !== null) return;
    this.#waitingFrom = last;
    this.#stopTimer = this.#ports.linger!(() => this.#over());
  }

  /** Sends what waits for a member. */
  hurry(to: MemberId): void {
    const message = this.#waiting.get(to);
    if (message === undefined) return;
    this.#waiting.delete(to);
    const { commit, term } = this.#ports.core;
    // What a former leader would have said is of no use.
    if (message.term === term) this.#ports.send({ ...message, commit });
  }

  /** Sends all that waits. */
  hurryAll(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    for (const to of [...this.#waiting.keys()]) this.hurry(to);
  }

  /** A member cannot be reached: it is told at once only if no other one can be. */
  unreachable(member: MemberId): void {
    if (this.#order.includes(member)) this.#putLast(member);
    this.hurryAll();
  }

  #isFew(after: LogIndex, last: LogIndex): boolean {
    return last - after < WAITING_ENTRIES_MAX &&
      this.#ports.core.bytesBetween(after, last) < WAITING_BYTES_MAX;
  }

  #over(): void {
    this.#stopTimer = null;
    const { core } = this.#ports;
    const slow = core.commit < this.#waitingFrom ? this.#order[0] : undefined;
    if (slow !== undefined) {
      this.#putLast(slow);
      this.#unstaggered = UNSTAGGERED;
    }
    this.hurryAll();
  }

  #putLast(member: MemberId): void {
    this.#order = this.#order.filter((other) => other !== member);
    this.#order.push(member);
  }

  #mayWait({ to, prev, last }: AppendEntries): boolean {
    const { core, linger } = this.#ports;
    if (linger === undefined || last === prev.index || core.transferring) {
      return false;
    }
    if (core.config !== this.#config) this.#arrange(core.config);
    if (this.#order.indexOf(to) < this.#prompt) return false;
    if (this.#unstaggered === 0) return true;
    this.#unstaggered--;
    return false;
  }

  /** Voters stand in the order in which they campaign if the leader is gone: the first one has all entries then. */
  #arrange(config: Configuration): void {
    const { self } = this.#ports;
    const { voters, votersOutgoing } = config;
    const simple = votersOutgoing.length === 0 && voters.includes(self);
    this.#config = config;
    this.#order = simple ? voters.filter((voter) => voter !== self) : [];
    this.#prompt = Math.floor(voters.length / 2);
  }
}
