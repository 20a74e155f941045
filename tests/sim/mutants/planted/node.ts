import type { Mutant } from "../table.ts";

/** Planted in the loop around the core. */
export const NODE_MUTANTS: readonly Mutant[] = [
  {
    name: "promises do not wait for the disk",
    file: "group/log_durability.ts",
    find:
      "if (this.#durableId >= this.#persistId) this.#ports.release(message);",
    replace: "if (this.#durableId >= 0) this.#ports.release(message);",
  },
  {
    name: "term and vote are not handed to the log",
    file: "group/group.ts",
    find: "if (persist.hardState) this.log.saveHardState(persist.hardState);",
    replace: "",
  },
  {
    name: "the log is purged above the checkpoint",
    file: "group/checkpoints.ts",
    find: "Math.min(durable, machine.applied.index)",
    replace: "Math.max(durable, machine.applied.index)",
  },
  {
    name: "a read on a follower does not wait until it is applied",
    file: "group/group.ts",
    find: "this.whenApplied(index, (applied) => done(applied ? index : null));",
    replace: "done(index);",
  },
  {
    name: "a snapshot is installed before its term is durable",
    file: "group/group.ts",
    find: "this.#parts.durability.whenDurable(() => this.#install(snapshot));",
    replace: "this.#install(snapshot);",
  },
  {
    name: "the log is not emptied for a snapshot",
    file: "group/group.ts",
    find: "    this.log.reset(snapshot.last);\n",
    replace: "",
  },
  {
    name: "lost leadership means refused",
    file: "group/proposals.ts",
    find:
      `for (const { done } of abandoned) done({ kind: "unknown", detail });`,
    replace:
      `for (const { done } of abandoned) done({ kind: "refused", reason: "stopped", detail, leader: null });`,
  },
  {
    name: "an answer to whatever stands at the index",
    file: "group/proposals.ts",
    find: "if (next.index === index && next.term === term) {",
    replace: "if (next.index === index && term > 0) {",
  },
  {
    name: "a snapshot that cannot be built is not reported",
    file: "group/snapshot_sender.ts",
    find: "      else this.#end(stream, false);\n",
    replace: "      else void ZERO_LOG_ID;\n",
  },
  {
    name: "a snapshot is released while somebody still reads it",
    file: "group/snapshot_service.ts",
    find: "    if (--shared.users > 0) return;\n",
    replace: "    shared.users--;\n",
  },
  {
    name: "nobody hears that a snapshot took the place of entries",
    file: "group/group.ts",
    find: "      this.#parts.events.jump(snapshot.last.index);\n",
    replace: "",
  },
  {
    name: "who reads events too slowly is not told what it missed",
    file: "group/event_feed.ts",
    find: "      if (from < start) {",
    replace: "      if (from < 0) {",
  },
  {
    name: "a snapshot is lent that is too old",
    file: "group/snapshot_service.ts",
    find: "if (newest.snapshot.last.index < user.atLeast) continue;",
    replace: "if (newest.snapshot.last.index < 0) continue;",
  },
  {
    name: "the first entry before its term",
    file: "node/volume/boot.ts",
    find: "  log.saveHardState(hardState);\n  log.append([entry]);",
    replace: "  log.append([entry]);\n  log.saveHardState(hardState);",
  },
  {
    name: "a member whose log is gone goes on",
    file: "node/volume/boot.ts",
    find: 'return "its log is gone";',
    replace: "return null;",
  },
  {
    name: "a state that ends before its log begins is taken",
    file: "node/volume/boot.ts",
    find: "if (applied.index < base.index) {",
    replace: "if (applied.index < 0) {",
  },
  {
    name: "term and vote do not wait where entries do not",
    file: "group/log_durability.ts",
    find: 'if (mode === "immediate" || hardStateChanged) return this.#sync();',
    replace: 'if (mode === "immediate") return this.#sync();',
  },
  {
    name: "a sync on its way covers what replaced a truncation (ABA)",
    file: "group/log_durability.ts",
    find: "      sync.lastIndex = Math.min(sync.lastIndex, index);",
    replace: "      void sync;",
  },
  {
    name: "the log is purged under a snapshot on its way",
    file: "group/retention.ts",
    find: "Math.min(usual, snapshot ?? usual)",
    replace: "usual + 0 * (snapshot ?? 0)",
  },
  {
    name: "a lost chunk of a snapshot is not sent again",
    file: "group/snapshot_sender.ts",
    find: "      stream.next = Math.min(",
    replace: "      void Math.min(",
  },
  {
    name: "chunks of a snapshot are written in the order in which they come",
    file: "group/snapshot_receiver.ts",
    find: "if (chunk.offset !== sink.offset) {",
    replace: "if (chunk.offset < 0) {",
  },
  {
    name: "a volume without what was acknowledged takes part",
    file: "node/cluster/witness.ts",
    find: "brokenPromise(known, said) ??",
    replace: "",
  },
  {
    name: "proposals that were cut from the log hold up new ones",
    file: "group/proposals.ts",
    find: ".splice(Math.max(kept, this.#head))",
    replace: ".splice(Math.max(kept, Infinity))",
  },
  {
    name: "what was proposed is kept for long after it is done",
    file: "group/proposals.ts",
    find: "    this.#queue[this.#head++] = null;\n",
    replace: "    this.#head++;\n",
  },
  {
    name: "a snapshot that is being synced is not acknowledged",
    file: "group/snapshot_receiver.ts",
    find:
      'else if (isWhole(incoming)) this.#ack(chunk, incoming.size, "more");\n',
    replace: "",
  },
  {
    name: "a snapshot takes the place of one about to be installed",
    file: "group/snapshot_receiver.ts",
    find: 'if (this.#ports.installing()) return this.#ack(chunk, 0, "failed");',
    replace: "",
  },
  {
    name: "the cluster clock is the leader's wall clock",
    file: "node/groups/stamp.ts",
    find: "      clockMs,\n",
    replace: "      clockMs: Math.floor(clock.wall()),\n",
  },
  {
    name: "a new leader's cluster clock begins with its process",
    file: "group/cluster_clock.ts",
    find: "    this.#heard = this.#now - this.#untold;\n",
    replace:
      "    this.#heard = leads ? this.#applied : this.#now - this.#untold;\n",
  },
  {
    name: "a leader's stamps are as old as its last tick",
    file: "group/cluster_clock.ts",
    find: "const own = this.#since + this.#untold;",
    replace: "const own = this.#since;",
  },
  {
    name:
      "an earlier leader's time counts for more than what a later one appended",
    file: "group/cluster_clock.ts",
    find: "if (this.#leads || term <= this.#heardIn) return;",
    replace: "if (this.#leads || term > 0) return;",
  },
  {
    name: "a follower counts on where its leader's clock stands still",
    file: "group/cluster_clock.ts",
    find: "if (this.#leads || clockMs < this.#heard) return;",
    replace: "if (this.#leads || clockMs <= this.#heard) return;",
  },
  {
    name: "a follower does not hear the clock of what it appends",
    file: "group/cluster_clock.ts",
    find:
      "    if (own !== undefined) this.heard(stampOf(own.payload), term);\n",
    replace: "",
  },
  {
    name: "a follower takes an earlier leader's stamp for the present one's",
    file: "group/cluster_clock.ts",
    find: "entry.term === term && entry.kind === EntryKind.command",
    replace: "entry.kind === EntryKind.command",
  },
  {
    name: "a follower counts from the tick before it heard the leader",
    file: "group/cluster_clock.ts",
    find: "this.#since = -this.#untold;",
    replace: "this.#since = 0;",
  },
  {
    name: "a leader counts its time since the last tick twice",
    file: "group/cluster_clock.ts",
    find: "    this.#heard = Math.max(this.#heard, clockMs - this.#untold);\n",
    replace: "    this.#heard = Math.max(this.#heard, clockMs);\n",
  },
  {
    name: "a pause advances the cluster clock",
    file: "group/cluster_clock.ts",
    find: "Math.min(elapsedMs, this.#electionMs)",
    replace: "elapsedMs",
  },
  {
    name: "the cluster clock goes on without a leader",
    file: "group/cluster_clock.ts",
    find: "return UNHEARD_TIMEOUTS * this.#electionMs;",
    replace: "return Infinity;",
  },
  {
    name: "heartbeats do not carry the cluster clock",
    file: "group/group.ts",
    find: "clockMs: this.#parts.clock.ms };",
    replace: "clockMs: 0 };",
  },
  {
    name: "proposals are not stamped by the leader",
    file: "group/inbox.ts",
    find: 'if (this.#core.role === "leader") payloads.forEach(this.#stamp);',
    replace: "",
  },
  {
    name: "a forwarded proposal goes to whatever group there is",
    file: "node/groups/forwarding.ts",
    find: "const to = hosted(id);",
    replace: "const to = hosted(0 * id);",
  },
  {
    name: "a write waits for its own member whatever its deadline",
    file: "node/services/own_writes.ts",
    find: "    this.#waiters.tick(this.#ports.clock.monotonic());\n",
    replace: "",
  },
  {
    name: "entries of a batch that ended the writer come together again",
    file: "group/applier.ts",
    find:
      "    if (entries.length > 1) this.#aloneUpTo = entries.at(-1)!.index;\n",
    replace: "",
  },
  {
    name: "nobody hears of entries that a writer committed before it died",
    file: "group/applier.ts",
    find: "    if (done.length > 0) this.#ports.unheard(",
    replace: "    if (done.length < 0) this.#ports.unheard(",
  },
  {
    name: "a batch goes past an entry that ends the writer",
    file: "group/applier.ts",
    find: "    return stuck ? Math.min(last, stuck.index - 1) : last;",
    replace: "    return stuck ? last : last;",
  },
  {
    name: "a member that began empty answers reads at once",
    file: "node/cluster/participation.ts",
    find: "    if (durable.caughtUp) return false;",
    replace: "    return false;",
  },
  {
    name: "a member that was ended while it joined answers reads at once",
    file: "node/cluster/participation.ts",
    find:
      'return durable.beganEmpty || phase === "new" || phase === "joining";',
    replace: "return durable.beganEmpty || phase === undefined;",
  },
  {
    name: "traces: an entry was reached when another group's log was so long",
    file: "node/telemetry/leader_traces.ts",
    find: "each.group === group && each.atMs >= beganMs",
    replace: "each.atMs >= beganMs",
    tests: ["tests/node/telemetry/leader_traces_test.ts"],
  },
  {
    name: "traces: an entry of caches is in none",
    file: "node/services/packer.ts",
    find: "        traceparent: traceparentOf(pack),\n",
    replace: "",
    tests: ["tests/node/services/packer_test.ts"],
  },
  {
    name: "slow queries on the calling thread are not logged",
    file: "node/services/database.ts",
    find:
      "      this.#ports.slow.asked(sql, ms, failure);\n    }\n  }\n\n  async",
    replace: "    }\n  }\n\n  async",
    tests: ["tests/app/counted_test.ts"],
  },
];
