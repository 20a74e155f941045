import { ApplyWatch } from "./apply_watch.ts";
import { CatchUp } from "../../group/catch_up.ts";
import type { RaftGroup } from "../../group/group.ts";
import type { GroupId, GroupMessage } from "../../group/messages.ts";
import type { GroupRouter, RoutedGroup } from "../../network/group_router.ts";
import type { PeerIdentity } from "../../network/port.ts";
import type { MemberId, NodeId } from "../../raft/types.ts";
import { nodeIdOf } from "../../raft/types.ts";
import { membersOf } from "../../raft/configuration.ts";
import type { PeerRequests } from "../../network/requests.ts";
import type { Clock } from "../../util/clock.ts";
import type { Changes } from "../changes.ts";
import { Proposer } from "./proposer.ts";
import type { Logger } from "../../util/logger.ts";
import type { LoopPorts } from "./spec.ts";

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
  failed(error: Error): void;
}

/** One Raft group as this member hosts it: its loop while it takes part, its proposer, who leads it, and whether it has caught up. */
export class HostedGroup implements RoutedGroup {
  /** Brings commands to the group's leader. */
  readonly proposer: Proposer;
  readonly #ports: HostedGroupPorts;
  readonly #catchUp = new CatchUp();
  readonly #applying = new ApplyWatch();
  #group: RaftGroup | null = null;
  #leader: MemberId | null = null;

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

  /** How long committed entries have waited while none was applied, ms. */
  get applyWaitingMs(): number {
    return this.#applying.waitingMs;
  }

  /** What is wrong if committed entries are not applied; null while they are. */
  get applyStall(): string | null {
    if (!this.#applying.stalled || this.#group === null) return null;
    const { core, machine } = this.#group;
    const next = machine.applied.index + 1;
    return `entries ${next} to ${core.commit} are committed, and nothing has been applied for ${
      Math.floor(this.#applying.waitingMs / 1000)
    } s: entry ${next} keeps the database busy`;
  }

  memberOf(peer: PeerIdentity): MemberId {
    return this.#ports.memberOf(peer);
  }

  receive(message: GroupMessage): void {
    this.#group?.receive(message);
  }

  /** Takes part from now on. A member alone campaigns at once: it has nobody to wait for. */
  start(): RaftGroup {
    const group = this.#ports.create({
      send: (message) => this.#ports.router.send(this, message),
      changed: () => this.#onStepped(),
      fatal: (error) => this.#ports.failed(error),
    });
    this.#group = group;
    const { voters } = group.core.config;
    if (voters.length === 1 && voters[0] === this.self) group.campaign();
    return group;
  }

  /** Takes no part any more, and remembers nothing of it. */
  leave(): void {
    this.#group?.stop();
    this.#group = null;
  }

  /** Ends what waits for too long. Call it a few times a second. */
  tick(): void {
    this.catchUp();
    this.proposer.tick();
    this.#watchApplying();
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

  #watchApplying(): void {
    const { clock, logger } = this.#ports;
    const commit = this.#group?.core.commit ?? 0;
    const applied = this.#group?.machine.applied.index ?? 0;
    if (!this.#applying.observe(commit, applied, clock.monotonic())) return;
    logger.error(this.applyStall ?? "", { group: this.name });
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
