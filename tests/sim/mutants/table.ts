/** A planted bug: `find` stands exactly once in `file` and becomes `replace`. */
export interface Mutant {
  readonly name: string;
  /** Below `src/`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** The first seed to try; a multiple of ten begins with the SQLite machine. */
  readonly step?: number;
}

/** Planted in the Raft core. */
const CORE: readonly Mutant[] = [
  {
    name: "votes twice in a term",
    file: "raft/election.ts",
    find: "const free = state.vote === request.from ||",
    replace: "const free = true ||",
  },
  {
    name: "votes without looking at the log",
    file: "raft/election.ts",
    find: "if (!free || !isUpToDate(state, request.lastLog)) {",
    replace: "if (!free) {",
  },
  {
    name: "compares logs by length only",
    file: "raft/election.ts",
    find: "return last.term > own.term ||",
    replace: "return last.index > own.index ||",
  },
  {
    name: "a vote leaves before it is durable",
    file: "raft/election.ts",
    find: "(request.preVote ? send : sendAfterPersist).push({",
    replace: "send.push({",
  },
  {
    name: "a candidacy leaves before it is durable",
    file: "raft/election.ts",
    find: "const requests = preVote ? send : sendAfterPersist;",
    replace: "const requests = send;",
  },
  {
    name: "a granted vote is not written down",
    file: "raft/election.ts",
    find: "      state.vote = request.from;\n      saveHardState(state);",
    replace: "      state.vote = request.from;",
  },
  {
    name: "the own vote is not written down",
    file: "raft/election.ts",
    find: "  state.vote = state.id;\n  saveHardState(state);",
    replace: "  state.vote = state.id;",
  },
  {
    name: "a new term keeps the old vote",
    file: "raft/roles.ts",
    find: "  state.vote = null;\n",
    replace: "",
  },
  {
    name: "a new term is not written down",
    file: "raft/roles.ts",
    find: "  state.vote = null;\n  saveHardState(state);",
    replace: "  state.vote = null;",
  },
  {
    name: "consents to a pre-vote count as votes",
    file: "raft/election.ts",
    find: "if (state.role !== asked || state.votes.has(reply.from)) return;",
    replace: "if (state.votes.has(reply.from)) return;",
  },
  {
    name: "messages of older terms are taken",
    file: "raft/core.ts",
    find: "    answerStale(state, message);\n    return;",
    replace: "    answerStale(state, message);",
  },
  {
    name: "messages to another incarnation are taken",
    file: "raft/core.ts",
    find: "if (message.to !== state.id || message.from === state.id) return;",
    replace: "if (message.from === state.id) return;",
  },
  {
    name: "election timeouts are all the same",
    file: "raft/state.ts",
    find: "    electionTicks,\n    2 * electionTicks,",
    replace: "    electionTicks,\n    electionTicks + 1,",
  },
  {
    name: "no empty entry at the start of a term",
    file: "raft/election.ts",
    find: `  appendToLog(state, {
    index: state.termStart,
    term: state.term,
    kind: EntryKind.noop,
    payload: NO_BYTES,
  });`,
    replace: "  void [appendToLog, EntryKind, NO_BYTES];",
  },
  {
    name: "commits entries of old terms by counting (figure 8)",
    file: "raft/commitment.ts",
    find:
      "if (index <= state.commit || state.log.termAt(index) !== state.term) return;",
    replace: "if (index <= state.commit) return;",
  },
  {
    name: "half of an even number is a quorum",
    file: "raft/quorum.ts",
    find: "values[Math.floor(voters.length / 2)]!",
    replace: "values[Math.floor((voters.length - 1) / 2)]!",
  },
  {
    name: "one less than a majority is a quorum",
    file: "raft/quorum.ts",
    find: "values[Math.floor(voters.length / 2)]!",
    replace: "values[Math.max(0, Math.floor(voters.length / 2) - 1)]!",
  },
  {
    name: "a joint configuration needs the new majority only",
    file: "raft/quorum.ts",
    find: "if (config.votersOutgoing.length === 0) return incoming;",
    replace: "if (config.votersOutgoing.length >= 0) return incoming;",
  },
  {
    name: "a joint configuration needs one of both majorities",
    file: "raft/quorum.ts",
    find: "return Math.min(incoming, majorityValue",
    replace: "return Math.max(incoming, majorityValue",
  },
  {
    name: "learners count",
    file: "raft/quorum.ts",
    find: "majorityValue(config.voters, reached);",
    replace: "majorityValue([...config.voters, ...config.learners], reached);",
  },
  {
    name: "the leader counts itself before its fsync",
    file: "raft/commitment.ts",
    find: "? state.persistence.durable",
    replace: "? state.log.lastIndex",
  },
  {
    name: "entries are to be applied before they are durable here",
    file: "raft/core.ts",
    find: "return Math.min(state.commit, state.persistence.durable);",
    replace: "return state.commit;",
  },
  {
    name: "a voter whose removal is not committed never campaigns",
    file: "raft/state.ts",
    find: "state.configs.namesVoter(state.id)",
    replace: "state.configs.latest.config.voters.includes(state.id)",
  },
  {
    name: "commits beyond what the message verified",
    file: "raft/following.ts",
    find: "commitTo(state, Math.min(message.commit, last));",
    replace: "commitTo(state, Math.min(message.commit, state.log.lastIndex));",
  },
  {
    name: "heartbeats tell the whole commit index",
    file: "raft/heartbeat.ts",
    find: "const commit = Math.min(state.commit, progress.match);",
    replace: "const commit = state.commit;",
  },
  {
    name: "a late short append cuts the log",
    file: "raft/following.ts",
    find: "if (fresh < 0) return;",
    replace: `if (fresh < 0) {
    const end = Math.max(state.commit, entries.at(-1)?.index ?? log.lastIndex);
    if (end < log.lastIndex) truncateAfter(state, end);
    return;
  }`,
  },
  {
    name: "appends without comparing what precedes",
    file: "raft/following.ts",
    find: "if (prev.index >= state.log.base.index && !state.log.has(prev)) {",
    replace: "if (prev.index > state.log.lastIndex) {",
  },
  {
    name: "acknowledges before it is durable",
    file: "raft/following.ts",
    find: "state.outbox.sendAfterPersist.push({",
    replace: "state.outbox.send.push({",
  },
  {
    name: "acknowledges its whole log",
    file: "raft/following.ts",
    find: "acceptAppend(state, message, last);",
    replace: "acceptAppend(state, message, state.log.lastIndex);",
  },
  {
    name: "a write on its way still counts after a truncation (ABA)",
    file: "raft/persistence.ts",
    find: "      write.last = Math.min(write.last, index);",
    replace: "      void write;",
  },
  {
    name: "a truncated log still counts as durable",
    file: "raft/persistence.ts",
    find: "    this.durable = Math.min(this.durable, index);\n",
    replace: "",
  },
  {
    name: "a late acknowledgement takes progress back",
    file: "raft/progress.ts",
    find: "if (index <= this.match) return false;",
    replace: "if (index === this.match) return false;",
  },
  {
    name: "a conflict hint moves nothing",
    file: "raft/progress.ts",
    find: "this.probeFrom(Math.min(rejected, agreement + 1));",
    replace: "this.probeFrom(rejected + 1);",
  },
  {
    name: "a refusal from before an acknowledgement counts",
    file: "raft/replication.ts",
    find: "else if (reply.hint.index >= progress.match) {",
    replace: "else if (reply.hint.index >= 0) {",
  },
  {
    name: "a stalled window is never checked",
    file: "raft/replication.ts",
    find: "    progress.checkDue = true;\n",
    replace: "",
  },
  {
    name: "ReadIndex without a round",
    file: "raft/read_index.ts",
    find: "if (committed && provesItself(state)) {",
    replace: "if (committed) {",
  },
  {
    name: "ReadIndex trusts a round that began before it",
    file: "raft/read_index.ts",
    find: "since: state.ticks, index, round: 0 });",
    replace: "since: state.ticks, index, round: state.round });",
  },
  {
    name: "ReadIndex before an entry of the own term is committed",
    file: "raft/read_index.ts",
    find: "const committed = state.commit >= state.termStart;",
    replace: "const committed = true;",
  },
  {
    name: "a leader without a quorum goes on",
    file: "raft/core.ts",
    find: "if (!checkQuorum(state) && options.checkQuorum) {",
    replace: "if (!checkQuorum(state) && !options.checkQuorum) {",
  },
  {
    name: "a transfer is never given up",
    file: "raft/transfer.ts",
    find: "if (++state.transferElapsed >= state.options.electionTicks) {",
    replace: "if (++state.transferElapsed >= Infinity) {",
  },
  {
    name: "a second membership change before the first is committed",
    file: "raft/membership.ts",
    find: "if (isJoint(config) || index > state.commit) {",
    replace: "if (isJoint(config) || index < 0) {",
  },
  {
    name: "a membership change before a commit of the own term",
    file: "raft/membership.ts",
    find: "if (state.commit < state.termStart) {",
    replace: "if (state.commit < 0) {",
  },
  {
    name: "two voters at once without a joint configuration",
    file: "raft/membership.ts",
    find: "if (changed <= 1 && demote.length === 0) {",
    replace: "if (changed <= 9) {",
  },
  {
    name: "a truncated configuration stays in effect",
    file: "raft/following.ts",
    find: "  state.configs.truncateAfter(index);\n",
    replace: "",
  },
  {
    name: "a joint configuration is never left",
    file: "raft/commitment.ts",
    find: "    appendConfiguration(state, leaveJoint(state.config));",
    replace: "    void leaveJoint;",
  },
  {
    name: "a removed leader stays",
    file: "raft/commitment.ts",
    find: "    stepAside(state);\n",
    replace: "    void stepAside;\n",
  },
  {
    name: "a snapshot older than the commit index is installed",
    file: "raft/snapshots.ts",
    find: "if (last.index <= state.commit) {",
    replace: "if (last.index < 0) {",
  },
  {
    name: "a snapshot's configuration is ignored",
    file: "raft/snapshots.ts",
    find: "  state.configs = new ConfigStack({ last, config });\n",
    replace: "  void [ConfigStack, config];\n",
  },
  {
    name: "candidates are answered although the leader lives",
    file: "raft/election.ts",
    find: "  return hasLiveLeader(state);\n",
    replace: "  return false;\n",
  },
  {
    name: "a consent to an earlier pre-vote counts",
    file: "raft/election.ts",
    find:
      "  if (reply.preVote && reply.granted && reply.term !== state.term + 1) return;\n",
    replace: "",
  },
  {
    name: "a member campaigns while a snapshot replaces its state",
    file: "raft/state.ts",
    find: " && state.installing === null",
    replace: "",
  },
];

/** Planted in the loop around the core. */
const LOOP: readonly Mutant[] = [
  {
    name: "promises do not wait for the disk",
    file: "node/log_durability.ts",
    find:
      "if (this.#durableId >= this.#persistId) this.#ports.release(message);",
    replace: "if (this.#durableId >= 0) this.#ports.release(message);",
  },
  {
    name: "term and vote are not handed to the log",
    file: "node/group.ts",
    find: "if (persist.hardState) this.log.saveHardState(persist.hardState);",
    replace: "",
  },
  {
    name: "the log is purged above the checkpoint",
    file: "node/checkpoints.ts",
    find: "Math.min(durable, machine.applied.index)",
    replace: "Math.max(durable, machine.applied.index)",
  },
  {
    name: "a read on a follower does not wait until it is applied",
    file: "node/group.ts",
    find: "this.whenApplied(index, (applied) => done(applied ? index : null));",
    replace: "done(index);",
  },
  {
    name: "a snapshot is installed before its term is durable",
    file: "node/group.ts",
    find: "this.#durability.whenDurable(() => this.#install(snapshot));",
    replace: "this.#install(snapshot);",
  },
  {
    name: "the log is not emptied for a snapshot",
    file: "node/group.ts",
    find: "    this.log.reset(snapshot.last);\n",
    replace: "",
  },
  {
    name: "lost leadership means refused",
    file: "node/proposals.ts",
    find:
      `for (const { done } of abandoned) done({ kind: "unknown", detail });`,
    replace:
      `for (const { done } of abandoned) done({ kind: "refused", reason: "stopped", detail, leader: null });`,
  },
  {
    name: "an answer to whatever stands at the index",
    file: "node/proposals.ts",
    find: "if (next.index === index && next.term === term) {",
    replace: "if (next.index === index && term > 0) {",
  },
  {
    name: "a snapshot that cannot be built is not reported",
    file: "node/snapshot_sender.ts",
    find:
      "    for (const { to } of waiting) this.#ports.sent(to, ZERO_LOG_ID, false);\n",
    replace: "    void ZERO_LOG_ID;\n",
  },
  {
    name: "the first entry before its term",
    file: "node/boot.ts",
    find: "  log.saveHardState(hardState);\n  log.append([entry]);",
    replace: "  log.append([entry]);\n  log.saveHardState(hardState);",
  },
  {
    name: "a member whose log is gone goes on",
    file: "node/boot.ts",
    find: 'return "its log is gone";',
    replace: "return null;",
  },
  {
    name: "a state that ends before its log begins is taken",
    file: "node/boot.ts",
    find: "if (applied.index < base.index) {",
    replace: "if (applied.index < 0) {",
  },
  {
    name: "term and vote do not wait where entries do not",
    file: "node/log_durability.ts",
    find: 'if (mode === "immediate" || hardStateChanged) return this.#sync();',
    replace: 'if (mode === "immediate") return this.#sync();',
  },
  {
    name: "a sync on its way covers what replaced a truncation (ABA)",
    file: "node/log_durability.ts",
    find: "      sync.lastIndex = Math.min(sync.lastIndex, index);",
    replace: "      void sync;",
  },
  {
    name: "the log is purged under a snapshot on its way",
    file: "node/retention.ts",
    find: "Math.min(usual, snapshot ?? usual)",
    replace: "usual + 0 * (snapshot ?? 0)",
  },
  {
    name: "a lost chunk of a snapshot is not sent again",
    file: "node/snapshot_sender.ts",
    find: "      stream.next = stream.acked;\n",
    replace: "",
  },
  {
    name: "chunks of a snapshot are written in the order in which they come",
    file: "node/snapshot_receiver.ts",
    find: "if (chunk.offset !== sink.offset) {",
    replace: "if (chunk.offset < 0) {",
  },
];

/** Planted in the log. */
const LOG: readonly Mutant[] = [
  {
    name: "no fsync",
    file: "log/group_sync.ts",
    find: `      file.sync((error) => {
        if (error === null) step(at + 1);
        else this.#end(this.#fail(error));
      });`,
    replace: "      step(at + 1);",
  },
  {
    name: "a failed fsync is ignored",
    file: "log/group_sync.ts",
    find: `      file.sync((error) => {
        if (error === null) step(at + 1);`,
    replace: `      file.sync((error) => {
        if (error === null || at >= 0) step(at + 1);`,
  },
  {
    name: "only the newest segment is synced",
    file: "log/segment_log.ts",
    find: "      files.push(segment.file);",
    replace: "      files.splice(0, 1, segment.file);",
  },
  {
    name: "the folder is not synced",
    file: "log/group_sync.ts",
    find: "if (!round.directory) return step(0);",
    replace: "if (round.files.length >= 0) return step(0);",
  },
  {
    name: "a sync serves those who asked after it began",
    file: "log/group_sync.ts",
    find: `    this.#waiting.push(done);
    if (this.#serving === null) this.#start();`,
    replace: `    if (this.#serving !== null) this.#serving.push(done);
    else {
      this.#waiting.push(done);
      this.#start();
    }`,
  },
  {
    name: "damage below the durable mark is cut",
    file: "log/recovery.ts",
    find: "if (evidence.position <= attempt.replay.end) return attempt;",
    replace: "if (evidence.position >= 0) return attempt;",
  },
  {
    name: "bodies are not verified",
    file: "log/frame.ts",
    find: "return crc32(body) === frame.bodyChecksum ? body : null;",
    replace: "return body;",
  },
  {
    name: "a torn tail is not overwritten",
    file: "log/recovery.ts",
    find: "    writeZeroes(active.file, from, capacity);",
    replace: "    void writeZeroes;",
  },
  {
    name: "a truncation is not recorded",
    file: "log/segment_log.ts",
    find: "      this.#writer.note(FrameKind.truncate, to, NO_BYTES);\n",
    replace: "",
  },
  {
    name: "a purge is not recorded",
    file: "log/segment_log.ts",
    find: "      this.#writer.note(FrameKind.purge, to, NO_BYTES);\n",
    replace: "",
  },
  {
    name: "a reset is not recorded",
    file: "log/segment_log.ts",
    find: "      this.#writer.note(FrameKind.reset, base, NO_BYTES);\n",
    replace: "",
  },
  {
    name: "segments are freed one entry too early",
    file: "log/log_writer.ts",
    find:
      "return frames.begin < frames.end ? frames.lsn(frames.begin) : this.end;",
    replace: "return this.end;",
  },
];

/** Planted in the SQLite state machine. */
const STATE: readonly Mutant[] = [
  {
    name: "a repeated write is applied again",
    file: "state/sqlite/applier.ts",
    find: `      case "repeated":
        return known.answer;`,
    replace: `      case "repeated":
        break;`,
    step: 10,
  },
  {
    name: "time and randomness are the member's own",
    file: "state/sqlite/applier.ts",
    find: "    overrideFunctions(connection, originals, this.#context);\n",
    replace: "    void [overrideFunctions, originals];\n",
    step: 10,
  },
  {
    name: "remembered answers are not saved",
    file: "state/sqlite/applier.ts",
    find: "    this.#sessions.save(first);\n",
    replace: "    void first;\n",
    step: 10,
  },
];

/** All planted bugs. */
export const MUTANTS: readonly Mutant[] = [...CORE, ...LOOP, ...LOG, ...STATE];
