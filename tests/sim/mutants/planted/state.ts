import type { Mutant } from "../table.ts";

/** Planted in what every state machine does around a command, and in the SQLite one. */
export const STATE_MUTANTS: readonly Mutant[] = [
  {
    name: "a repeated write is applied again",
    file: "state/exactly_once.ts",
    find: `      case "repeated":
        return known.answer;`,
    replace: `      case "repeated":
        break;`,
  },
  {
    name: "a write of an expired session is applied",
    file: "state/exactly_once.ts",
    find: 'return encodeRefusal(index, "session_expired", known.message);',
    replace: "break;",
  },
  {
    name: "an idempotency key stands for any write",
    file: "state/exactly_once.ts",
    find: 'return encodeRefusal(index, "conflict", known.message);',
    replace: "break;",
  },
  {
    name: "a session opens a session",
    file: "state/exactly_once.ts",
    find: "if (session !== 0) {",
    replace: "if (session < 0) {",
  },
  {
    name: "no answer is remembered",
    file: "state/exactly_once.ts",
    find: "const answer = perform();\n    this.#sessions.remember(",
    replace:
      "const answer = perform();\n    if (index < 0) this.#sessions.remember(",
  },
  {
    name: "nothing is too old",
    file: "state/exactly_once.ts",
    find: "    this.#sessions.expire(this.#clockMs);\n",
    replace: "",
  },
  {
    name: "sessions are aged by wall time",
    file: "state/exactly_once.ts",
    find: "this.#clockMs = Math.max(this.#clockMs, envelope.clockMs);",
    replace: "this.#clockMs = Math.max(this.#clockMs, envelope.timeMs);",
  },
  {
    name: "the cluster clock goes back with an entry",
    file: "state/exactly_once.ts",
    find: "this.#clockMs = Math.max(this.#clockMs, envelope.clockMs);",
    replace: "this.#clockMs = envelope.clockMs;",
  },
  {
    name: "a write whose answer was forgotten is new again",
    file: "state/sessions.ts",
    find:
      "      session.below = Math.max(session.below, answer.sequence + 1);\n",
    replace: "",
  },
  {
    name: "what was forgotten comes back with a restart",
    file: "state/sessions.ts",
    find: "    if (answer.index <= this.#horizon) {\n",
    replace: "    if (answer.index < 0) {\n",
  },
  {
    name: "a row is emptied though answers with keys are in it",
    file: "state/kept_answers.ts",
    find: "return this.#rows.has(row) || this.#keyed.areIn(row);",
    replace: "return this.#rows.has(row);",
  },
  {
    name: "a row is emptied though answers without keys are in it",
    file: "state/kept_answers.ts",
    find: "return this.#rows.has(row) || this.#keyed.areIn(row);",
    replace: "return this.#keyed.areIn(row);",
  },
  {
    name: "answers with keys make room before older ones without",
    file: "state/kept_answers.ts",
    find: "return plain !== undefined && plain.index < firstIndex",
    replace: "return plain !== undefined && firstIndex === Infinity",
  },
  {
    name: "bytes of answers are given back a page too early",
    file: "state/byte_queue.ts",
    find: "while (start - this.#base >= PAGE_BYTES) {",
    replace: "while (start > this.#base) {",
  },
  {
    name: "the cluster clock is not stored",
    file: "state/sqlite/apply/bookkeeping.ts",
    find: "        BigInt(clockMs),\n",
    replace: "        0n,\n",
    step: 10,
  },
  {
    name: "time and randomness are the member's own",
    file: "state/sqlite/apply/entry_runner.ts",
    find: "    overrideFunctions(connection, originals, this.#context);\n",
    replace: "    void [overrideFunctions, originals];\n",
    step: 10,
  },
  {
    name: "remembered answers are not saved",
    file: "state/sqlite/apply/batch_applier.ts",
    find: "    commands.save(first);\n",
    replace: "    void first;\n",
    step: 10,
  },
  {
    name: "events are told before their transaction is committed",
    file: "state/sqlite/apply/entry_events.ts",
    find: "else runs.push(index, 1, change);",
    replace: "else this.#committed = runs.push(index, 1, change);",
  },
  {
    name: "events of an attempt that was undone are kept",
    file: "state/sqlite/apply/entry_events.ts",
    find: "    this.#runs.length = this.#committed;\n",
    replace: "",
  },
  {
    name: "events of a statement that was undone are kept",
    file: "state/sqlite/apply/interpreter.ts",
    find: "      this.#executor.change = changedBefore;\n",
    replace: "      void changedBefore;\n",
  },
  {
    name: "only who wants answers is told of events",
    file: "state/sqlite/machine.ts",
    find: "done(null, applied.answers, applied.events, applied.divergence);",
    replace:
      "done(null, applied.answers, answers ? applied.events : NO_EVENTS, applied.divergence);",
  },
  {
    name: "what undoes is not spared by interrupts",
    file: "state/sqlite/thread/interrupts.ts",
    find: "  interrupts.spare(() => {\n",
    replace: "  ((work: () => void) => work())(() => {\n",
    tests: ["tests/state/sqlite/apply/interrupted_test.ts"],
  },
  {
    name:
      "what undoes is not begun anew after an interrupt that was on its way",
    file: "state/sqlite/thread/interrupts.ts",
    find: "      if (!isInterrupt(error)) throw error;\n      undo();\n",
    replace: "      if (!isInterrupt(error)) throw error;\n",
    tests: ["tests/state/sqlite/read/interrupted_test.ts"],
  },
  {
    name:
      "a reader stays in the view of a query that was interrupted at its end",
    file: "state/sqlite/read/reader.ts",
    find: "      undoSpared(this.#interrupts, () => this.#leaveView());\n",
    replace: "      this.#leaveView();\n",
    tests: ["tests/state/sqlite/read/interrupted_test.ts"],
  },
  {
    name: "what an interrupted command answered is believed",
    file: "state/sqlite/thread/interrupts.ts",
    find: "    if (interrupts.count === count) return result;\n",
    replace: "    return result;\n",
    tests: ["tests/state/sqlite/apply/interrupted_test.ts"],
  },
  {
    name: "interrupts are not counted",
    file: "state/sqlite/thread/channel.ts",
    find: "      Atomics.add(this.#control, INTERRUPTS, 1);\n",
    replace: "",
    tests: ["tests/state/sqlite/thread/channel_test.ts"],
  },
  {
    name: "a schema that was half read counts as known",
    file: "state/sqlite/apply/catalog.ts",
    find: "      for (const { rowid } of objects) this.#remove(rowid);\n",
    replace: "",
    tests: ["tests/state/sqlite/apply/interrupted_test.ts"],
  },
  {
    name: "what a Worker does after an answer is interrupted",
    file: "state/sqlite/thread/worker_handle.ts",
    find: "      channel.spare(() => served.idle?.());\n",
    replace: "      served.idle?.();\n",
    tests: ["tests/state/sqlite/thread/channel_test.ts"],
  },
  {
    name: "a thread that is given up leaves its connection open for good",
    file: "state/sqlite/thread/worker_handle.ts",
    find:
      "    if (this.#interrupt !== undefined) return this.#channel.giveUp();\n",
    replace: "",
    tests: ["tests/state/sqlite/thread/given_up_test.ts"],
  },
  {
    name: "a Worker that was given up goes on with what else it was asked",
    file: "state/sqlite/thread/channel.ts",
    find: "      if (this.#givenUp) return NO_BYTES;\n",
    replace: "",
    tests: ["tests/state/sqlite/thread/given_up_test.ts"],
  },
  {
    name: "a Worker that was given up waits for ever with its answer",
    file: "state/sqlite/thread/channel.ts",
    find: "      if (this.#givenUp) return;\n",
    replace: "",
    tests: ["tests/state/sqlite/thread/given_up_test.ts"],
  },
  {
    name: "a Worker is spared while somebody interrupts it",
    file: "state/sqlite/thread/channel.ts",
    find: "    while (Atomics.load(this.#control, INTERRUPTING) === 1) {\n",
    replace: "    while (Atomics.load(this.#control, INTERRUPTING) > 1) {\n",
    tests: ["tests/state/sqlite/thread/channel_test.ts"],
  },
  {
    name: "an interrupt that stays with its connection ends the writer",
    file: "state/sqlite/apply/writer_worker.ts",
    find:
      "      if (!isInterrupt(error) || applier!.keepsAnswers) throw error;\n",
    replace:
      "      if (isInterrupt(error) || applier!.keepsAnswers) throw error;\n",
    tests: ["tests/state/sqlite/prepare_lost_test.ts"],
  },
  {
    name: "what the functions of a closed connection know is kept",
    file: "state/sqlite/driver/node_driver.ts",
    find: "    for (const held of this.#held) held.call = GONE;\n",
    replace: "    void GONE;\n",
    tests: ["tests/state/sqlite/driver/driver_test.ts"],
  },
  {
    name: "a reader believes what it found out while it was interrupted",
    file: "state/sqlite/read/reader.ts",
    find: "      return heedInterrupts(this.#interrupts, work);\n",
    replace: "      return void heedInterrupts, work();\n",
    tests: ["tests/state/sqlite/read/interrupted_test.ts"],
  },
  {
    name: "a reader keeps what it found out while it was interrupted",
    file: "state/sqlite/read/reader.ts",
    find: "      if (isMomentary(error)) this.#cachedEpoch = -1;\n",
    replace: "      void isMomentary;\n",
    tests: ["tests/state/sqlite/read/interrupted_test.ts"],
  },
  {
    name: "what a thread runs that is given up takes effect",
    file: "state/sqlite/thread/channel.ts",
    find:
      "    Atomics.add(this.#control, INTERRUPTS, 1);\n    this.#wakeWorker();\n",
    replace: "    this.#wakeWorker();\n",
    tests: ["tests/state/sqlite/thread/given_up_test.ts"],
  },
  {
    name: "a writer's thread is given up while it has the lock to write",
    file: "state/sqlite/apply/writer_host.ts",
    find: "        interruptMs: INTERRUPT_MS,\n",
    replace: "        interruptMs: INTERRUPT_MS / 1000,\n",
    tests: ["tests/state/sqlite/prepare_lost_test.ts"],
  },
  {
    name: "an entry that ends the writer comes again for ever",
    file: "state/sqlite/losses.ts",
    find: "    if (this.#count < LOSSES_MAX) return;\n",
    replace: "    if (this.#count < Infinity) return;\n",
  },
  {
    name: "a restart forgets which entry ends the writer",
    file: "state/sqlite/losses.ts",
    find: "    replaceFile(this.#path, JSON.stringify(this.#stuck));\n",
    replace: "    void replaceFile;\n",
  },
  {
    name:
      "an entry that ended the writer is refused though a snapshot is past it",
    file: "state/sqlite/machine.ts",
    find: "    this.#losses.passed(this.applied.index);\n",
    replace: "",
  },
  {
    name: "a writer that died idle is the next entry's fault",
    file: "state/sqlite/apply/writer_thread.ts",
    find: "    if (this.#host.alive) return this.#host.request(",
    replace: "    if (this.#host.alive || true) return this.#host.request(",
  },
  {
    name: "a new writer goes on with the file that the first one was given",
    file: "state/sqlite/open_machine.ts",
    find: "    path: () => files.path,\n",
    replace: "    path: ((first) => () => first)(files.path),\n",
  },
  {
    name: "readers do not hear of a schema that a writer's process changes",
    file: "state/sqlite/thread/child_handle.ts",
    find:
      "      if (!this.#changing) this.#schema?.beginChange();\n      this.#changing = true;\n",
    replace: "",
  },
  {
    name: "a child outlives its member",
    file: "state/sqlite/thread/child_guard.ts",
    find: "    if (Deno.ppid !== limits.parent) end(null);\n",
    replace: "",
  },
  {
    name: "a query whose process was killed is too large",
    file: "state/sqlite/read/process_pool.ts",
    find: "  return error instanceof ChildOverLimitError\n",
    replace:
      "  return error instanceof WriterLostError || ChildOverLimitError\n",
  },
  {
    name: "a reader's values have no limit",
    file: "state/sqlite/read/reader.ts",
    find:
      "    this.#connection.limit(SQL_VALUE_BYTES_MAX, COMMAND_LIMITS.sqlBytes);\n",
    replace: "    void [SQL_VALUE_BYTES_MAX, COMMAND_LIMITS];\n",
  },
  {
    name: "a format of strftime() may be as long as it likes",
    file: "state/sqlite/apply/determinism.ts",
    find: "const FORMAT_SIZE_MAX = 1024;",
    replace: "const FORMAT_SIZE_MAX = Infinity;",
  },
];
