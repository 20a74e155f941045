import { membersOf } from "../../raft/configuration.ts";
import {
  type LogId,
  type MemberId,
  nodeIdOf,
  type Term,
} from "../../raft/types.ts";
import type { RaftGroup } from "../../group/group.ts";
import type { NodeVault } from "../volume/vault.ts";
import { startIdOf } from "../volume/identity.ts";
import type { KnownLeader, Testimony } from "./witness.ts";

/** Who took the place of a member, or that it was removed, as a leader knows: nobody would ever speak to that member again, and it would wait for a leader without end. */
export function successorOf(
  group: RaftGroup | null,
  member: MemberId,
  term: Term,
): MemberId | "removed" | null {
  // A member that knows a later term may be in a configuration that this leader missed.
  if (group?.core.role !== "leader" || term > group.core.term) return null;
  const { config, configIndex, commit } = group.core.status();
  const members = membersOf(config);
  if (configIndex > commit || members.includes(member)) return null;
  const node = nodeIdOf(member);
  return members.find((other) => nodeIdOf(other) === node) ?? "removed";
}

/** What this member has on its disk, as it tells the others. */
export function testimonyOf(
  { identity, storage }: NodeVault,
  group: RaftGroup | null,
  promises: boolean,
): Testimony {
  const { log, logRecovery, machine } = storage;
  const index = group?.durableIndex ?? log.last.index;
  const { boot, starts } = identity;
  const last = { term: log.termAt(index) ?? log.base.term, index };
  const term = Math.max(logRecovery.hardState.term, last.term);
  return {
    boot,
    process: startIdOf(identity),
    starts,
    term,
    current: group?.core.term ?? term,
    last: promises ? last : null,
    hashes: machine.stateHashes(),
  };
}

/** Whom a member follows; itself if it leads. */
export function leaderOf(group: RaftGroup | null): KnownLeader | null {
  const member = group?.core.leader ?? null;
  return member === null ? null : { member, term: group!.core.term };
}

/** What this member, as leader, counts as durable at another one. */
export function acknowledgedBy(
  group: RaftGroup | null,
  member: MemberId,
): LogId | null {
  if (group?.core.role !== "leader") return null;
  const { term, progress } = group.core.status();
  const index = progress.find((peer) => peer.member === member)?.match ?? 0;
  return index === 0 ? null : { term, index };
}
