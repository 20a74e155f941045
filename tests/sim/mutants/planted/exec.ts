import type { Mutant } from "../table.ts";

/** Planted in what a leader does before it proposes, and in what followers compare. */
export const EXEC_MUTANTS: readonly Mutant[] = [
  {
    name: "a commit that no entries follow is told to nobody",
    file: "group/commit_notice.ts",
    find: "if (this.#ports.intake.outstanding === 0) this.tell();",
    replace: "",
  },
  {
    name: "a commit waits for its answers although no entries follow",
    file: "group/commit_notice.ts",
    find:
      "if (this.#held && this.#ports.intake.follows === false) this.tell();",
    replace: "",
  },
  {
    name:
      "whoever asks for a read index hears of the commit with the next heartbeat",
    file: "raft/read_index.ts",
    find: "state.commitsHeld = false;",
    replace: "",
  },
  {
    name: "prepared: answers leave when the batch is proposed",
    file: "group/execute_first.ts",
    find: '    this.#phase = "proposed";\n',
    replace:
      '    this.#phase = "proposed";\n    prepared.forEach(({ answer, proposal: { done } }, i) => done({ kind: "applied", index: this.#first + i, answer }));\n',
  },
  {
    name: "prepared: events are told of what is only prepared",
    file: "state/sqlite/apply/batch_applier.ts",
    find: "    this.#writePosition(position);\n    return position;\n",
    replace:
      "    this.#writePosition(position);\n    this.events.commit();\n    return position;\n",
  },
  {
    name: "prepared: a batch is kept after leadership is lost",
    file: "group/execute_first.ts",
    find: 'if (this.#phase === "proposed") this.#rollBack();',
    replace: "",
  },
  {
    name: "prepared: the hash of an answer is not compared",
    file: "state/sqlite/apply/agreement.ts",
    find: "return expected === null || expected === actual;",
    replace: "return expected === null || expected >= 0;",
    step: 10,
  },
  {
    name: "prepared: readers hear that it is applied",
    file: "state/sqlite/machine.ts",
    find: "    this.#writer.prepare(preparation, done);\n",
    replace:
      "    this.#writer.prepare(preparation, done);\n    this.#reached = { ...this.#reached, applied: { term: preparation.term, index: preparation.first + preparation.payloads.length - 1 } };\n",
  },
  {
    name: "prepared: the transaction is committed at once",
    file: "state/sqlite/apply/batch_applier.ts",
    find: "if (last !== null) this.#ran = { first, last };",
    replace:
      "if (last !== null) this.#complete(this.#prepared = this.#close(first, last));",
    step: 10,
  },
  {
    name: "prepared: what is rolled back leaves its bookkeeping to be written",
    file: "state/sqlite/apply/batch_applier.ts",
    find: "    this.#ran = null;\n    this.#prepared = null;\n",
    replace: "    this.#prepared = null;\n",
    step: 10,
  },
  {
    name: "prepared: a batch is run while something is not applied",
    file: "group/execute_first.ts",
    find:
      "return applier.idle && this.#machine.applied.index === core.lastIndex;",
    replace: "return applier.idle;",
  },
  {
    name: "prepared: an entry runs with another index than it gets",
    file: "state/sqlite/apply/batch_applier.ts",
    find: "const index = first + at;",
    replace: "const index = first + at + 1;",
    step: 10,
  },
  {
    name: "prepared: the seed and the clock are drawn again for the log",
    file: "group/execute_first.ts",
    find: "      commands.seal(payload, hash);\n",
    replace:
      "      commands.stamp(payload);\n      commands.seal(payload, hash);\n",
  },
  {
    name: "prepared: the first committed entry commits the batch",
    file: "group/execute_first.ts",
    find: "index >= last) this.#commitAll();",
    replace: "index >= this.#first) this.#commitAll();",
  },
  {
    name: "prepared: a batch is proposed twice",
    file: "group/execute_first.ts",
    find: '    const outcome = step({ kind: "propose", payloads });\n',
    replace:
      '    const outcome = step({ kind: "propose", payloads });\n    step({ kind: "propose", payloads });\n',
  },
  {
    name:
      "prepared: what is rolled back is answered, and answered again when applied",
    file: "group/execute_first.ts",
    find:
      '    this.#phase = "ending";\n    this.#prepared = [];\n    this.#machine.rollback',
    replace:
      '    this.#phase = "ending";\n    this.#prepared.forEach(({ answer, proposal: { done } }, i) => done({ kind: "applied", index: this.#first + i, answer }));\n    this.#prepared = [];\n    this.#machine.rollback',
  },
  {
    name: "prepared: a rollback keeps what sessions remember",
    file: "state/sqlite/apply/entry_runner.ts",
    find: "    this.commands.reload(position);\n",
    replace: "",
    step: 10,
  },
  {
    name: "prepared: what could not be run is proposed all the same",
    file: "group/execute_first.ts",
    find: "inbox.putBack(this.#leads() ? this.#blame(batch, error) : batch);",
    replace: "inbox.append(batch);",
  },
  {
    name: "prepared: nobody is blamed for what fails alone",
    file: "group/lineup.ts",
    find: "at ?? (alone ? 0 : null)",
    replace: "at",
  },
  {
    name: "prepared: what never ends runs again before those who waited for it",
    file: "group/lineup.ts",
    find: "this.#slow.length > 0 && due)",
    replace: "this.#slow.length > 0)",
  },
  {
    name: "prepared: what ran for a short time is refused for that",
    file: "group/execute_first.ts",
    find: "    if (late && this.#ports.watch.onTrial(payload)) {\n",
    replace: '    if (late && reason === "internal") {\n',
  },
  {
    name: "prepared: membership changes come between a run and its proposal",
    file: "group/execute_first.ts",
    find: 'if (this.#phase === "preparing") this.#behind.push(action);',
    replace: 'if (this.#phase === "ending") this.#behind.push(action);',
  },
  {
    name: "prepared: a checkpoint does not wait for the transaction",
    file: "group/parts.ts",
    find: "busy: () => stage?.holds ?? false,",
    replace: "busy: () => false,",
  },
  {
    name: "prepared: a stand-in forgets whose write it stands for",
    file: "state/entry_refusal.ts",
    find: '"refusal", identity ?? NO_IDENTITY,',
    replace: '"refusal", NO_IDENTITY,',
  },
  {
    name: "prepared: a run has no limit",
    file: "group/run_watch.ts",
    find: "    if (machine.abortPrepare()) this.#abortedMs = 0;\n",
    replace: "    if (unwanted) this.#abortedMs = null;\n",
  },
  {
    name: "prepared: what hangs for good can hang the next leader",
    file: "group/execute_first.ts",
    find: "this.#guarded(() => this.#ports.inbox.append([standIn]));",
    replace: "void standIn;",
  },
  {
    name: "prepared: the bound of a write holds for what is committed, too",
    file: "state/sqlite/apply/batch_applier.ts",
    find: "    this.#growth.lift();\n",
    replace: "",
  },
  {
    name: "prepared: SQLite's own words count as a difference",
    file: "state/sql/result.ts",
    find: "  return crc32(reader.raw(reader.remaining), head);",
    replace: "  return crc32(bytes, head);",
  },
  {
    name: "prepared: a COMMIT whose answer was lost with its writer is undone",
    file: "group/prepared_commit.ts",
    find: "if (error !== null && this.#machine.applied.index < last) {",
    replace: "if (error !== null) {",
  },
  {
    name: "prepared: a writer that is lost in a run is the end of its member",
    file: "state/sqlite/apply/writer_thread.ts",
    find: "error instanceof WriterLostError ? failure : error",
    replace: "error",
  },
  {
    name: "prepared: answers leave before a COMMIT that nobody can wait for",
    file: "group/prepared_commit.ts",
    find: "if (!commitsUnattended) return;",
    replace: "",
    step: 10,
  },
  {
    name: "prepared: answers wait for the COMMIT",
    file: "group/execute_first.ts",
    find: "return this.#commit.answered;",
    replace: "return 0;",
  },
  {
    name:
      "prepared: a batch runs behind a COMMIT that the log does not end with",
    file: "group/execute_first.ts",
    find:
      "if (last !== null) return last === core.lastIndex && !this.#ports.moment();",
    replace: "if (last !== null) return !this.#ports.moment();",
  },
  {
    name: "prepared: writes that never cease leave no moment for a checkpoint",
    file: "group/parts.ts",
    find: "moment: () => checkpoints.due,",
    replace: "moment: () => false,",
  },
  {
    name: "prepared: a COMMIT that failed is blamed on what waited behind it",
    file: "group/execute_first.ts",
    find: "if (ground !== null && (ground.failed ?? error) !== null) {",
    replace: "if (ground !== null && ground.failed === error) {",
  },
  {
    name:
      "prepared: a run is watched before the COMMIT is over that it waits for",
    file: "group/execute_first.ts",
    find: "if (this.#commit.last === null) this.#watchRun();",
    replace: "this.#watchRun();",
  },
  {
    name: "prepared: a run that waited for a COMMIT has no limit",
    file: "group/execute_first.ts",
    find: "if (failed === null) this.#watchRun();",
    replace: "",
  },
  {
    name: "prepared: the writer runs upon whatever is committed",
    file: "state/sqlite/apply/writer_worker.ts",
    find: "if (first !== index + 1) {",
    replace: "if (first < index) {",
    step: 10,
  },
  {
    name: "prepared: queries do not wait for what was answered",
    file: "node/services/reads.ts",
    find: "      await this.#freshness.answered(deadline);\n",
    replace: "",
    step: 10,
  },
  {
    name: "prepared: a full disk keeps queries waiting for what was answered",
    file: "group/group.ts",
    find: "return stage === null || room.stateFull ? 0 : stage.answered;",
    replace: "return stage === null ? 0 : stage.answered;",
    step: 10,
  },
  {
    name: "prepared: changes() tells what was answered before it began",
    file: "node/services/live/changes.ts",
    find: "Math.max(group.events.end, answered)",
    replace: "group.events.end",
    step: 10,
  },
  {
    name: "prepared: a query on the calling thread does not wait",
    file: "state/sqlite/read/readers.ts",
    find: "if (minIndex > 0) this.#local.reach(minIndex);",
    replace: "",
    step: 10,
  },
  {
    name: "prepared: contents are summed up only where entries are applied",
    file: "state/sqlite/apply/batch_applier.ts",
    find: "        this.#look(index, isClock(payload));\n",
    replace: "",
  },
];
