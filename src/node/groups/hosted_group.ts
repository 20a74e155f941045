import { CatchUp } from "../../group/catch_up.ts";
import type { RaftGroup } from "../../group/group.ts";
import type { GroupId, GroupMessage } from "../../group/messages.ts";
import type { GroupRouter, RoutedGroup } from "../../network/group_router.ts";
import type { PeerIdentity } from "../../network/port.ts";
import type { LogIndex, MemberId, NodeId, Term } from "../../raft/types.ts";
import { nodeIdOf } from "../../raft/types.ts";
import { membersOf } from "../../raft/configuration.ts";
import type { PeerRequests } from "../../network/requests.ts";
import type { Clock } from "../../util/clock.ts";
import type { Changes } from "../changes.ts";
import { Proposer } from "./proposer.ts";
import type { Logger } from "../../util/logger.ts";
import type { LoopPorts } from "./spec.ts";
import type { Divergence } from "../../state/port.ts";

const NO_DIVERGENCE = { at: null, term: 0 };

/** What a hosted group needs from its member. */
export interface HostedGroupPorts {
  /** The group's number on the wire; 0 is the durable group. */
  readonly id: GroupId;
  /** The group's name in logs, status and metrics. */
  readonly name: string;
  readonly router: GroupRouter;
  readonly requests: PeerRequests;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The cluster's feature level. */
  level(): number;
  /** This member's id in the group. */
  self(): MemberId;
  /** The group's present life; its sessions count in no other one. */
  epoch(): number;
  /** The id that a peer has in the group. */
  memberOf(peer: PeerIdentity): MemberId;
  /** Builds the loop around what is stored. */
  create(ports: LoopPorts): RaftGroup;
  /** The loop made a step: whoever waits for a role or a configuration looks. */
  stepped(): void;
  /** Another member leads, or none. */
  leaderChanged(): void;
  /** The state here and the leader of an entry answer it differently. */
  diverged(divergence: Divergence): void;
  failed(error: Error): void;
  /** Time of which the last tick did not tell, ms. */
  sinceTickMs(): number;
  /** Applied entries after this one are needed elsewhere still, null if none are. @default {none} */
  neededAfter?(): LogIndex | null;
}

/** One Raft group as this member hosts it: its loop while it takes part, its proposer, who leads it, and whether it has caught up. */
export class HostedGroup implements RoutedGroup {
  /** Brings commands to the group's leader. */
  readonly proposer: Proposer;
  readonly #ports: HostedGroupPorts;
  readonly #catchUp = new CatchUp();
  #group: RaftGroup | null = null;
  /** It began to take part without anything applied. */
  #beganEmpty = false;
  #leader: MemberId | null = null;
  /** The first divergence in the newest term that has one. */
  #diverged: { readonly at: Divergence | null; readonly term: Term } =
    NO_DIVERGENCE;
  #divergences = 0;

  /** Takes no part until {@linkcode start}. */
  constructor(ports: HostedGroupPorts) {
    this.#ports = ports;
    this.proposer = new Proposer(ports.id, {
      self: () => this.self,
      clock: ports.clock,
      requests: ports.requests,
      changes: ports.changes,
      group: () => this.#group,
      epoch: ports.epoch,
      level: ports.level,
    });
  }

  get id(): GroupId {
    return this.#ports.id;
  }

  /** See {@linkcode HostedGroupPorts.name}. */
  get name(): string {
    return this.#ports.name;
  }

  get self(): MemberId {
    return this.#ports.self();
  }

  /** See {@linkcode HostedGroupPorts.epoch}. */
  get epoch(): number {
    return this.#ports.epoch();
  }

  /** The loop; null while this member takes no part. */
  get group(): RaftGroup | null {
    return this.#group;
  }

  /** Whether it has applied what was committed when it began to take part. */
  get caughtUp(): boolean {
    return this.#catchUp.done;
  }

  /** Whether it had applied nothing when it began to take part. */
  get beganEmpty(): boolean {
    return this.#beganEmpty;
  }

  memberOf(peer: PeerIdentity): MemberId {
    return this.#ports.memberOf(peer);
  }

  /**
   * An entry of the present leader that this member answers differently; null if there is none. What a former
   * leader proposed counts no more: if that one was wrong, it is rebuilt, and if this member is, the next answer shows it.
   */
  get divergence(): Divergence | null {
    return this.#diverged.term === this.#group?.core.term
      ? this.#diverged.at
      : null;
  }

  /** How often that happened. */
  get divergences(): number {
    return this.#divergences;
  }

  /** It turned out that the leader of those entries was wrong, not this member. */
  forgiveDivergence(): void {
    this.#diverged = NO_DIVERGENCE;
  }

  receive(message: GroupMessage): void {
    this.#group?.receive(message);
  }

  /** Takes part from now on. A member alone campaigns at once: it has nobody to wait for. */
  start(): RaftGroup {
    const group = this.#ports.create({
      send: (message) => this.#ports.router.send(this, message),
      changed: () => this.#onStepped(),
      diverged: (divergence) => this.#onDiverged(divergence),
      fatal: (error) => this.#ports.failed(error),
      sinceTickMs: () => this.#ports.sinceTickMs(),
      neededAfter: () => this.#ports.neededAfter?.() ?? null,
    });
    this.#group = group;
    this.#beganEmpty = group.machine.applied.index === 0;
    const { voters } = group.core.config;
    if (voters.length === 1 && voters[0] === this.self) group.campaign();
    return group;
  }

  /** Takes no part any more, and remembers nothing of it. */
  leave(): void {
    this.#group?.stop();
    this.#group = null;
    this.#beganEmpty = false;
    this.catchUp();
    this.#diverged = NO_DIVERGENCE;
  }

  /** Ends what waits for too long. Call it a few times a second. */
  tick(): void {
    this.catchUp();
    this.proposer.tick();
  }

  /** Refuses everything from now on; what was known can still be asked for. */
  stop(): void {
    this.#group?.stop();
  }

  /** Asks the leader what is committed, if there is one and it was not asked. */
  catchUp(): void {
    this.#catchUp.attempt(this.#group);
  }

  /** The link to a node broke. */
  unreachable(node: NodeId): void {
    if (this.#group === null) return;
    for (const member of membersOf(this.#group.core.config)) {
      if (nodeIdOf(member) === node) this.#group.unreachable(member);
    }
  }

  #onDiverged(divergence: Divergence): void {
    this.#divergences++;
    const { index, expected, actual } = divergence;
    const term = this.#group!.log.termAt(index) ?? 0;
    if (term > this.#diverged.term) this.#diverged = { at: divergence, term };
    this.#ports.logger.error(
      `this member answers entry ${index} of term ${term} differently than the leader that proposed it (${
        hex(expected)
      } there, ${
        hex(actual)
      } here): one of the two has another state, or another SQLite`,
      { group: this.name },
    );
    this.#ports.diverged(divergence);
  }

  #onStepped(): void {
    const core = this.#group?.core;
    if (core === undefined) return;
    this.#ports.stepped();
    if (core.leader === this.#leader) return;
    this.#leader = core.leader;
    this.#ports.logger.info(
      core.leader === null
        ? "no leader is known"
        : `leader is ${core.leader} in term ${core.term}`,
      { group: this.name },
    );
    this.catchUp();
    this.proposer.leaderChanged(core.leader);
    this.#ports.leaderChanged();
  }
}

function hex(hash: number): string {
  return hash.toString(16).padStart(8, "0");
}
