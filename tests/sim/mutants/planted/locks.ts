import type { Mutant } from "../table.ts";

/** Planted in leases, locks and fences. Seeds 9, 19, 29 … run them. */
export const LOCK_MUTANTS: readonly Mutant[] = [
  {
    name: "a waiter's token is its ticket",
    file: "state/locks/table.ts",
    find: "    const token = this.#nextToken();\n",
    replace:
      "    const token = claimByMs === null ? this.#nextToken() : holder.ticket;\n",
    first: 9,
    step: 10,
  },
  {
    name: "two grants of one entry have one token",
    file: "state/locks/table.ts",
    find: "Math.max(index, this.#granted + 1, this.#rows.lastToken + 1)",
    replace: "Math.max(index, this.#rows.lastToken)",
    first: 9,
    step: 10,
  },
  {
    name: "tokens beyond an entry's index are forgotten",
    file: "state/locks/table.ts",
    find: "    if (token > index) this.#rows.lastToken = token;\n",
    replace: "",
    first: 9,
    step: 10,
  },
  {
    name: "a fence looks at no deadline",
    file: "state/locks/table.ts",
    find: "    return holder !== null && this.#lives(holder);\n",
    replace: "    return holder !== null;\n",
    first: 9,
    step: 10,
  },
  {
    name: "what was not swept yet is not dead",
    file: "state/locks/table.ts",
    find:
      "    return lease !== null && lease.deadlineMs > this.#entry.clockMs\n",
    replace: "    return lease !== null\n",
    first: 9,
    step: 10,
  },
  {
    name: "a sweep takes a lease that is not due",
    file: "state/sqlite/locks/lock_rows.ts",
    find: "WHERE deadline <= ? ORDER BY deadline",
    replace: "WHERE deadline - 50 <= ? ORDER BY deadline",
    first: 9,
    step: 10,
  },
  {
    name: "a try overtakes those who wait",
    file: "state/locks/table.ts",
    find:
      "    const fits = usage.waiters === 0 && usage.used + permits <= limit;\n",
    replace:
      "    const fits = (waitMs === 0 || usage.waiters === 0) && usage.used + permits <= limit;\n",
    first: 9,
    step: 10,
  },
  {
    name: "a grant that nobody claims stays",
    file: "state/locks/table.ts",
    find: "      clockMs + Math.min(lease.ttlMs, CLAIM_MS),\n",
    replace: "      null,\n",
    first: 9,
    step: 10,
  },
  {
    name: "a release is not told to who waits",
    file: "state/locks/table.ts",
    find: "    this.#drop(holder, kind);\n    this.#serve(holder.name);\n",
    replace: "    this.#drop(holder, kind);\n",
    first: 9,
    step: 10,
  },
  {
    name: "the one behind who wants too much gets in first",
    file: "state/locks/table.ts",
    find:
      "      if (this.#rows.usage(name).used + next.permits > next.limit) return;\n",
    replace:
      "      if (this.#rows.usage(name).used + 1 > next.limit) return;\n",
    first: 9,
    step: 10,
  },
  {
    name: "an acquire does not renew its lease",
    file: "state/locks/table.ts",
    find: "    if (known !== null) this.#prolong(known);\n",
    replace: "",
    first: 9,
    step: 10,
  },
  {
    name: "a rolled back preparation leaves the times of its leases",
    file: "state/sqlite/locks/hosted_locks.ts",
    find: "    this.#rows.reload();\n",
    replace: "",
    first: 9,
    step: 10,
  },
  {
    name: "a fence is not looked at when a write is applied",
    file: "state/sqlite/apply/entry_runner.ts",
    tests: ["tests/state/sqlite/locks_test.ts"],
    find: '"fence" in body ? this.locks.refusal(body.fence) : null',
    replace:
      '"fence" in body && index < 0 ? this.locks.refusal(body.fence) : null',
    first: 9,
    step: 10,
  },
  {
    name: "leases do not end with entries that ask for something else",
    file: "state/sqlite/apply/entry_runner.ts",
    tests: ["tests/state/sqlite/locks_test.ts"],
    find:
      "        begun: (index, clockMs) => this.locks.begin({ index, clockMs }),\n",
    replace: "",
    first: 9,
    step: 10,
  },
  {
    name: "the view in a write shows the time of the last batch",
    file: "state/sqlite/apply/entry_runner.ts",
    tests: ["tests/state/sqlite/locks_test.ts"],
    find: "      () => this.commands.clockMs,\n",
    replace: "      () => null,\n",
    first: 9,
    step: 10,
  },
  {
    name: "a subquery called like the view may read everything",
    file: "state/sqlite/statement/cache.ts",
    tests: ["tests/state/sqlite/locks_test.ts"],
    find:
      "  if (OWN_NAMES.every((name) => sql.toLowerCase().includes(name))) {\n",
    replace: "  if (sql === OWN_NAMES[0]) {\n",
  },
  {
    name: "what is called like the view may call everything",
    file: "state/sqlite/statement/policy.ts",
    tests: ["tests/state/sqlite/locks_test.ts"],
    find:
      "      : action === Action.function && second!.startsWith(RESERVED_PREFIX);\n",
    replace: "      : action === Action.function;\n",
  },
  {
    name: "a repeated request waits for what has happened already",
    file: "node/services/locks.ts",
    find: "      let look = ticket <= ask.since;\n",
    replace: "      let look = false;\n",
  },
  {
    name: "who waits without a key keeps a place at a member that is gone",
    file: "node/services/locks.ts",
    find: "        if (idempotencyKey === undefined) {\n",
    replace: '        if (name === "") {\n',
  },
  {
    name: "a member is gone before the places of those who waited are",
    file: "node/services/locks.ts",
    find: "    this.#keyless.add(got);\n",
    replace: "",
  },
  {
    name: "who aborted keeps its place in the queue",
    file: "node/services/locks.ts",
    find: "      if (signal?.aborted) this.#giveBack(wish.name, proposed);\n",
    replace: "",
  },
  {
    name: "those who wait are not told after a snapshot",
    file: "node/services/lock_waits.ts",
    find: '      if ("gap" in event) this.wakeAll();\n      else if',
    replace: '      if ("gap" in event) continue;\n      else if',
    first: 9,
    step: 10,
  },
  {
    name: "a lease counts from the answer to its renewal",
    file: "client/locks/lease.ts",
    find: "      this.renewed(sentMs);\n",
    replace: "      this.renewed(performance.now());\n",
  },
  {
    name: "a lease is held by its client as long as by the cluster",
    file: "client/locks/lease.ts",
    find: "const MARGIN = 0.1;\n",
    replace: "const MARGIN = 0;\n",
  },
  {
    name: "a lock that could not be given back is left to its lease",
    file: "client/locks/lock.ts",
    find: "      void this.#lease.owe(give);\n",
    replace: "",
  },
  {
    name: "a lock that was asked for and given up is left to its lease",
    file: "client/locks/lock_session.ts",
    find: "if (given.aborted || isUnclear(error)) {",
    replace: "if (isUnclear(error) && lease.failure !== null) {",
  },
  {
    name: "a request that is asked about is another one",
    file: "client/locks/lock_session.ts",
    find:
      "    const idempotencyKey = crypto.randomUUID();\n    return async (timeoutMs, signal) => {\n",
    replace:
      "    return async (timeoutMs, signal) => {\n      const idempotencyKey = crypto.randomUUID();\n",
  },
  {
    name: "a client that does not want a lock any more is a defect",
    file: "server/error_response.ts",
    tests: ["tests/cluster/gone_client_test.ts"],
    find: "return signal.aborted && error === signal.reason;",
    replace: "return signal.aborted && error !== signal.reason;",
  },
  {
    name: "what is certain of a grant counts from the answer about its lease",
    file: "client/locks/lease.ts",
    tests: ["tests/client/unclaimed_test.ts"],
    find:
      "    return new ClientLease(transport, ttlMs, lease, { sentMs, clockMs });\n",
    replace:
      "    return new ClientLease(transport, ttlMs, lease, { sentMs: performance.now(), clockMs });\n",
  },
  {
    name: "clocks run equally fast where a grant is not claimed yet",
    file: "client/locks/lease.ts",
    tests: ["tests/client/unclaimed_test.ts"],
    find: "  return sentMs + (1 - MARGIN) * (dueMs - clockMs);\n",
    replace: "  return sentMs + dueMs - clockMs;\n",
  },
  {
    name: "a claim that is answered too late counts",
    file: "client/locks/unclaimed_grant.ts",
    tests: ["tests/client/unclaimed_test.ts"],
    find: "    if (!this.lives || this.#over.signal.aborted) return;\n",
    replace: "    if (this.#over.signal.aborted) return;\n",
  },
  {
    name: "a grant that nobody confirms is believed in for ever",
    file: "client/locks/unclaimed_grant.ts",
    tests: ["tests/client/unclaimed_test.ts"],
    find:
      '    if (this.#state === "open" && performance.now() >= this.#untilMs) {\n',
    replace: '    if (this.#state === "open" && this.#untilMs < 0) {\n',
  },
  {
    name: "a grant is believed in though nothing is certain of it",
    file: "client/locks/lock_session.ts",
    tests: ["tests/client/unclaimed_test.ts"],
    find:
      "      const early = performance.now() < lease.certainUntil(grant.claimByMs);\n",
    replace: "      const early = true;\n",
  },
  {
    name: "what a late claim may have got is left to the lease",
    file: "client/locks/lock.ts",
    tests: ["tests/client/unclaimed_test.ts"],
    find: "        void lease.owe(() => giveBack(transport, this));\n",
    replace: "",
  },
  {
    name: "a grant is told to be there for as long as its lease",
    file: "state/locks/table.ts",
    tests: ["tests/client/unclaimed_test.ts"],
    find: "{ claim: { byMs: claimByMs, ttlMs } }",
    replace: "{ claim: { byMs: this.#entry.clockMs + ttlMs, ttlMs } }",
  },
  {
    name: "a free semaphore remembers how many permits it had",
    file: "state/sqlite/locks/lock_rows.ts",
    find:
      "    usage.used -= permits;\n    if (usage.used + usage.waiters === 0) usage.limit = null;\n",
    replace: "    usage.used -= permits;\n",
  },
  {
    name: "what was due first and is gone is due for ever",
    file: "state/sqlite/locks/lock_rows.ts",
    find: "    if (timeMs <= (counted.nextDueMs ?? Infinity)) {",
    replace: "    if (timeMs < (counted.nextDueMs ?? Infinity)) {",
  },
];
