import type { RaftGroup } from "../../group/group.ts";
import type { GroupId } from "../../group/messages.ts";
import type { NodeId } from "../../raft/types.ts";
import { assert } from "../../util/assert.ts";
import type { HostedGroup } from "./hosted_group.ts";

/** The groups that a member hosts, by their number on the wire. */
export class GroupRegistry implements Iterable<HostedGroup> {
  readonly #groups = new Map<GroupId, HostedGroup>();

  /** Hosts a group from now on. */
  add(group: HostedGroup): void {
    assert(!this.#groups.has(group.id), `group ${group.id} is hosted already`);
    this.#groups.set(group.id, group);
  }

  /** The group with this number; undefined if this member does not host it. */
  get(id: GroupId): HostedGroup | undefined {
    return this.#groups.get(id);
  }

  [Symbol.iterator](): Iterator<HostedGroup> {
    return this.#groups.values();
  }

  /** The loops of the groups that this member takes part in. */
  *running(): Generator<RaftGroup> {
    for (const { group } of this.#groups.values()) {
      if (group !== null) yield group;
    }
  }

  /** The link to a node broke. */
  unreachable(node: NodeId): void {
    for (const group of this) group.unreachable(node);
  }

  /** Proposals of this member, in any group, that wait for their answer. */
  get outstanding(): number {
    let outstanding = 0;
    for (const { proposer } of this) outstanding += proposer.outstanding;
    return outstanding;
  }

  /** Ends what waits for too long, and finds out what is committed. Call it a few times a second. */
  tick(): void {
    for (const group of this) group.tick();
  }

  /** Refuses new proposals. */
  close(): void {
    for (const { proposer } of this) proposer.close();
  }

  /** Every group refuses everything from now on. */
  stop(): void {
    for (const group of this) group.stop();
  }
}
