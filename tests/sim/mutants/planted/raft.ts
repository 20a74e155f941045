import type { Mutant } from "../table.ts";

/** Planted in the Raft core. */
export const RAFT_MUTANTS: readonly Mutant[] = [
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
    name: "a lease outlives a stall",
    file: "raft/read_index.ts",
    find: "  state.leaseUntil = 0;\n  state.roundTicks.length = 0;",
    replace: "",
  },
  {
    name: "a round from before a stall begins a lease",
    file: "raft/read_index.ts",
    find: "  state.roundTicks.length = 0;",
    replace: "",
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
    name:
      "a question for a read index is answered before an entry of the own term is committed",
    file: "raft/read_index.ts",
    find:
      "  return term === state.term && state.commit >= state.termStart &&\n",
    replace: "  return term === state.term &&\n",
  },
  {
    name: "a question of an older term is its own confirmation",
    file: "raft/read_index.ts",
    find:
      "  return term === state.term && state.commit >= state.termStart &&\n",
    replace: "  return state.commit >= state.termStart &&\n",
  },
  {
    name: "any question for a read index is its own confirmation",
    file: "raft/read_index.ts",
    find:
      "isQuorum(state.config, (voter) => voter === state.id || voter === from);",
    replace: "isQuorum(state.config, () => true);",
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
    name: "the answer to a heartbeat of an older term has its round",
    file: "raft/following.ts",
    find: "answerHeartbeat(state, message.from, 0);",
    replace: "answerHeartbeat(state, message.from, message.round);",
  },
  {
    name: "the refusal of an older term's append has its index",
    file: "raft/following.ts",
    find: "    index: 0,\n",
    replace: "    index: message.prev.index,\n",
  },
  {
    name: "a change of the membership may leave nobody who answers",
    file: "raft/membership.ts",
    find: '  if (silent !== null) return refuse(state, "lagging", silent);\n',
    replace: "",
  },
  {
    name: "a member campaigns while a snapshot replaces its state",
    file: "raft/state.ts",
    find: " && state.installing === null",
    replace: "",
  },
];
