import type { RaftGroup } from "../../group/group.ts";
import type { Network, PeerIdentity } from "../../network/port.ts";
import type { PeerRequests } from "../../network/requests.ts";
import { isVoter, membersOf, sorted } from "../../raft/configuration.ts";
import {
  type Configuration,
  type MemberId,
  NO_CONFIGURATION,
  nodeIdOf,
} from "../../raft/types.ts";
import {
  type Epoch,
  type FactChange,
  voterSetsOf,
} from "../../state/cluster_facts.ts";
import type { FollowedNode } from "./following.ts";
import type { HostedGroup } from "./hosted_group.ts";
import { markOf, memberIn } from "./marks.ts";
import { RollCall, type RollCallAnswer } from "./roll_call.ts";
import type { FollowingSpec } from "./spec.ts";
import { isLost, type VoterState } from "./voter_sets.ts";

/** Calls of {@linkcode NextEpoch.lookForLoss} that a roll call has time for. */
const ROLL_CALL_TICKS = 4;

/** What {@linkcode NextEpoch} needs from its group. */
export interface NextEpochPorts {
  readonly spec: FollowingSpec;
  readonly hosted: HostedGroup;
  readonly network: Network;
  readonly requests: PeerRequests;
  /** What this member says of itself. */
  self(): PeerIdentity;
  /** What this member answers to a roll call. */
  answer(epoch: number): RollCallAnswer;
  /** The nodes of the durable group, as members of an epoch. */
  followed(config: Configuration, epoch: number): readonly FollowedNode[];
  /** Asks the durable group for a change; nobody waits for it. */
  change(change: FactChange): void;
}

/** Begins the first epoch of a following group, and the next one when the present one can never commit again. */
export class NextEpoch {
  readonly #ports: NextEpochPorts;
  #rollCall: RollCall | null = null;
  #rollCallTicks = 0;

  /** Does nothing by itself. */
  constructor(ports: NextEpochPorts) {
    this.#ports = ports;
  }

  /** The first epoch begins with everybody who can be reached, if they are enough. */
  begin({ core }: RaftGroup): void {
    if (this.#mayBegin(core.leader)) this.#beginWith(core, 1);
  }

  /** Begins an epoch with everybody who can be reached, if they are enough; only if the voters of the present one changed `after` times. */
  #beginWith(
    { config }: RaftGroup["core"],
    number: number,
    after?: number,
  ): void {
    const { voters } = config;
    const nodes = this.#ports.followed(config, number).filter(({ member }) =>
      member
    );
    const of = (votes: boolean): readonly MemberId[] =>
      sorted(
        nodes.filter((node) => node.votes === votes)
          .map(({ member }) => member!),
      );
    const founding: Configuration = {
      ...NO_CONFIGURATION,
      voters: of(true),
      learners: of(false),
    };
    if (2 * founding.voters.length <= voters.length) return;
    this.#ports.change({
      kind: "epoch",
      group: this.#ports.spec.id,
      epoch: { number, founding },
      ...(after === undefined ? {} : { after }),
    });
  }

  /** The durable group's leader does it; if that one does not host the group, anybody may: only one change takes effect. */
  #mayBegin(leader: MemberId | null): boolean {
    const { network, self, spec } = this.#ports;
    if (leader === null) return false;
    if (leader === self().id) return true;
    const peer = network.peer(nodeIdOf(leader));
    return peer !== undefined && markOf(peer, spec.id) === undefined;
  }

  /** When most voters of the epoch are known to have ended, the group can never commit again, and begins anew, empty. */
  lookForLoss(durable: RaftGroup, epoch: Epoch): void {
    const { core } = durable;
    const { group, self } = this.#ports.hosted;
    // A voter looks for a leader by itself; a learner believes in its last one for ever.
    const led = group !== null && group.core.leader !== null &&
      isVoter(group.core.config, self);
    if (led || !this.#mayBegin(core.leader)) {
      this.#rollCall = null;
      return;
    }
    const known = voterSetsOf(epoch);
    const about = { epoch: epoch.number, number: known.number };
    const call = this.#rollCall;
    if (call?.isAbout(about)) {
      if (isLost(known, (voter) => this.#stateOf(voter, call, core.config))) {
        return this.#beginWith(core, epoch.number + 1, known.number);
      }
      if (++this.#rollCallTicks < ROLL_CALL_TICKS) return;
    }
    const { spec, requests } = this.#ports;
    const own = nodeIdOf(this.#ports.self().id);
    const asked = new Set(
      [...known.sets.flat(), ...membersOf(core.config)].map(nodeIdOf),
    );
    asked.delete(own);
    const next = new RollCall({ group: spec.id, ...about }, asked, requests);
    next.note(own, this.#ports.answer(epoch.number));
    this.#rollCall = next;
    this.#rollCallTicks = 0;
  }

  /** A voter is known to have ended if its node goes on under another mark, or was removed and is gone. Silence says nothing. */
  #stateOf(
    voter: MemberId,
    call: RollCall,
    config: Configuration,
  ): VoterState {
    const node = nodeIdOf(voter);
    const answer = call.answerOf(node);
    if (answer !== undefined) {
      const { mark, voters, last } = answer;
      const dead = memberIn(call.subject.epoch, node, mark) !== voter;
      return { dead, voters, last };
    }
    const removed = !membersOf(config).some((id) => nodeIdOf(id) === node);
    const gone = this.#ports.network.peer(node) === undefined;
    return { dead: removed && gone, voters: undefined, last: undefined };
  }
}
