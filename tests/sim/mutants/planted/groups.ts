import type { Mutant } from "../table.ts";

/** Planted in the groups beside the durable one, and in what the durable group knows of the cluster. */
export const GROUP_MUTANTS: readonly Mutant[] = [
  {
    name: "the level is raised although a member does not know it",
    file: "node/cluster/levels.ts",
    find: "return peer?.id === member && peer.level >= next;",
    replace: "return peer?.id === member;",
  },
  {
    name: "the level is raised although a member is not there",
    file: "node/cluster/levels.ts",
    find: "return peer?.id === member && peer.level >= next;",
    replace: "return peer === undefined || peer.level >= next;",
  },
  {
    name: "a proposal above the level is taken",
    file: "node/groups/proposer.ts",
    find: "if (level > this.#ports.level()) {",
    replace: "if (false) {",
  },
  {
    name: "a node too old for the level is let in",
    file: "node/cluster/founding.ts",
    find: 'if (old !== null) return { state: "refused", detail: old };',
    replace: "",
  },
  {
    name: "a node too old for the level is added",
    file: "node/cluster/membership.ts",
    find: "    return old === null\n      ? { addLearners: [peer.id] }",
    replace: '    return old !== ""\n      ? { addLearners: [peer.id] }',
  },
  {
    name: "a member goes on although it is too old for a raised level",
    file: "state/exactly_once.ts",
    find: "    this.#requireLevel(changed);\n",
    replace: "",
  },
  {
    name: "an epoch change ignores the present epoch",
    file: "state/cluster_facts.ts",
    find: "  if (epoch.number !== number + 1) {\n",
    replace: "  if (epoch.number < 1) {\n",
  },
  {
    name: "a following group's new process keeps the dead one's id",
    file: "node/groups/marks.ts",
    find: "int64OfHex(mark) ^ BigInt(",
    replace: "BigInt(",
  },
  {
    name: "a member that stops is still a voter of what lives in memory",
    file: "node/groups/following.ts",
    find: "if (leaving !== undefined) return { remove: [leaving] };",
    replace: "",
  },
  {
    name: "a dead member is not removed when it is replaced",
    file: "node/groups/following.ts",
    find: "? { remove: present, addLearners: [member] }",
    replace: "? { addLearners: [member] }",
  },
  {
    name: "a member rebuilt in its process keeps its place in other groups",
    file: "node/groups/following_group.ts",
    find: "this.hosted.self === this.#entered;",
    replace: "this.#entered !== null;",
  },
  {
    name: "a removed member goes on leading other groups",
    file: "node/groups/following_group.ts",
    find: "if (removed) return void group.transferLeadership(null);",
    replace: "",
  },
  {
    name: "nobody begins a group that the durable leader does not host",
    file: "node/groups/next_epoch.ts",
    find: "return peer !== undefined && markOf(peer, spec.id) === undefined;",
    replace: "return false;",
  },
  {
    name: "a session outlives its epoch",
    file: "node/groups/proposer.ts",
    find: "return session?.epoch === this.#ports.epoch() ? session : null;",
    replace: "return session;",
  },
  {
    name: "a leader takes proposals of another epoch",
    file: "node/groups/forwarding.ts",
    find: "if (epoch !== to.epoch) {",
    replace: "if (epoch > to.epoch) {",
  },
  {
    name: "frames of an unknown group reach the durable one",
    file: "network/group_router.ts",
    find: "const group = this.#ports.group(id);",
    replace: "const group = this.#ports.group(id) ?? this.#ports.group(0);",
  },
  {
    name: "a folder of a group that is gone is not noticed",
    file: "node/volume/disk_home.ts",
    find: "if (!goesOn) this.#keep({ mark, epoch });",
    replace: "",
  },
  {
    name: "what is found on the disk of a group is relied upon without a look",
    file: "node/volume/disk_home.ts",
    find: "goesOn ? whyForgotten(storage) : null;",
    replace: "null;",
  },
  {
    name: "a state that is ahead of its log is gone on with",
    file: "node/volume/disk_home.ts",
    find:
      "if (reason !== null || alone || !isInstallUnfinished(found)) return reason;",
    replace: "if (reason !== null || alone || found !== null) return reason;",
  },
  {
    name: "who forgot what it knew of a group keeps its mark",
    file: "node/volume/disk_home.ts",
    find:
      "const { group, logger, renamed } = this.#ports;\n    this.#keep({ mark: drawId(), epoch: 0 });",
    replace:
      "const { group, logger, renamed } = this.#ports;\n    this.#keep({ mark: this.#life.mark, epoch: 0 });",
  },
  {
    name: "nobody hears that a member's mark is another one",
    file: "node/volume/disk_home.ts",
    find: "    renamed();\n",
    replace: "",
  },
  {
    name: "a member comes back as who it was on the disk after it forgot",
    file: "node/volume/disk_home.ts",
    find: "if (keptLifeOf(identity(), group).epoch === 0) return;",
    replace: "return;",
  },
  {
    name: "a member that stops leaves a group that it has on its disk",
    file: "node/groups/following_group.ts",
    find: "if (!this.#ports.home.forgets) return true;",
    replace: "",
  },
  {
    name: "damage in a group's folder ends the member",
    file: "node/groups/following_group.ts",
    find: "if (!this.#ports.home.giveUpFor(error)) this.#ports.failed(error);",
    replace: "this.#ports.failed(error);",
  },
  {
    name: "a restart is another member of a group that is on the disk",
    file: "node/cluster/addresses.ts",
    find: "keptLifeOf(identity, name).mark,",
    replace: "startIdOf(identity),",
  },
  {
    name: "a voter that says nothing counts as one that has ended",
    file: "node/groups/next_epoch.ts",
    find:
      "return { dead: removed && gone, voters: undefined, last: undefined };",
    replace:
      "return { dead: removed || gone, voters: undefined, last: undefined };",
  },
  {
    name: "half of the voters and one more may be missing",
    file: "node/groups/voter_sets.ts",
    find: ".length <= voters.length\n  );",
    replace: ".length <= voters.length + 1\n  );",
  },
  {
    name: "one lost set of voters ends an epoch although another one lives",
    file: "node/groups/voter_sets.ts",
    find: " : inLogs).every((voters) =>",
    replace: " : inLogs).some((voters) =>",
  },
  {
    name: "voters come before the durable group knows of them",
    file: "node/groups/following_group.ts",
    find: "    if (needed !== null) {\n",
    replace: "    if (needed !== null && step === null) {\n",
  },
  {
    name: "a leader that has not settled leaves sets of voters out",
    file: "node/groups/voter_sets.ts",
    find: "const kept = settled ? [] : known.sets;",
    replace: "const kept: typeof known.sets = settled ? [] : [];",
  },
  {
    name: "a member is the same one in each epoch",
    file: "node/groups/marks.ts",
    find: " ^ BigInt(epoch)",
    replace: " ^ BigInt(0 * epoch)",
  },
  {
    name: "a voter that is behind gets the votes of those that are ahead",
    file: "node/groups/voter_sets.ts",
    find: "term === last!.term && index <= last!.index;",
    replace: "term === last!.term && index <= last!.index * 2;",
  },
  {
    name: "a voter needs only one of the sets that are in force by its log",
    file: "node/groups/voter_sets.ts",
    find: "    voters!.every((set) => 2 * set",
    replace: "    voters!.some((set) => 2 * set",
  },
];
