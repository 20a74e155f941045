import type { Mutant } from "../table.ts";

/** Planted where strangers and busy clients are met. No seed runs it: tests find them. */
export const EDGE_MUTANTS: readonly Mutant[] = [
  {
    name: "edges: a client that runs nothing waits like one that does",
    file: "state/sqlite/read/shares.ts",
    tests: ["tests/state/sqlite/read/shares_test.ts"],
    find:
      "    const idle = (client: string): boolean => !this.#runs(client);\n",
    replace:
      "    const idle = (client: string): boolean => this.#runs(client);\n",
  },
  {
    name: "edges: clients take no turns",
    file: "state/sqlite/read/client_turns.ts",
    tests: ["tests/state/sqlite/read/client_turns_test.ts"],
    find: "    this.#waiting.delete(client);\n    if (jobs.length > 0) this",
    replace:
      "    if (jobs.length === 0) this.#waiting.delete(client);\n    else this",
  },
  {
    name: "edges: no long query gives way to a short one",
    file: "state/sqlite/read/shares.ts",
    tests: ["tests/state/sqlite/read/shares_test.ts"],
    find: "    if (count > 0) return long.slice(-count);\n",
    replace: "    if (count > 0) return [];\n",
  },
  {
    name: "edges: a client may have all long queries while another waits",
    file: "state/sqlite/read/shares.ts",
    tests: ["tests/state/sqlite/read/shares_test.ts"],
    find: "    const unfair = ending > 0 ? undefined : this.#unfair(long);\n",
    replace:
      "    const unfair = ending >= 0 ? undefined : this.#unfair(long);\n",
  },
  {
    name: "edges: a query that gave way is forgotten",
    file: "state/sqlite/read/bounded_pool.ts",
    tests: ["tests/state/sqlite/read/bounded_pool_test.ts"],
    find: "    if (again) this.#shares.putBack(job);\n",
    replace: "",
  },
  {
    name: "edges: a text that took long is long for every client",
    file: "state/sqlite/read/long_texts.ts",
    tests: ["tests/state/sqlite/read/shares_test.ts"],
    find: '.update(client).update("\\0")',
    replace: '.update("\\0", client && "utf8")',
  },
  {
    name: "edges: a client that asks for much fills the queue for all",
    file: "state/sqlite/read/shares.ts",
    tests: ["tests/state/sqlite/read/shares_test.ts"],
    find: "turns.newestOfCrowd(job.client) ?? job",
    replace: "job",
  },
  {
    name: "edges: the oldest are served when all of them will be too late",
    file: "state/sqlite/read/client_turns.ts",
    tests: ["tests/state/sqlite/read/client_turns_test.ts"],
    find: "    this.#newest = !this.#newest;\n",
    replace: "    this.#newest = false;\n",
  },
  {
    name: "edges: all queries over the API are of one client",
    file: "server/routes/sql.ts",
    tests: ["tests/server/app_statements_test.ts"],
    find: "      client: clientOf(access),\n",
    replace: "      client: clientOf(access && null),\n",
  },
  {
    name: "edges: a compiled program's child keeps the network",
    file: "state/sqlite/thread/child_permissions.ts",
    find: 'const NEVER = ["net", ',
    replace: "const NEVER = [",
  },
  {
    name: "edges: a reader of a compiled program may write files",
    file: "state/sqlite/thread/child_permissions.ts",
    find: '  give("write");\n',
    replace: "",
  },
  {
    name: "edges: no descriptors are kept back for a member's files",
    file: "server/spare_files.ts",
    tests: ["tests/server/spare_files_test.ts"],
    find: "const COUNT = 24;",
    replace: "const COUNT = 0;",
  },
  {
    name: "edges: what needs no secret may be asked without bound",
    file: "server/open_turns.ts",
    tests: ["tests/server/turnstile_test.ts"],
    find: "await (LONG_PATHS",
    replace: "void (LONG_PATHS",
  },
  {
    name: "edges: who waits at a turnstile is overtaken",
    file: "server/turnstile.ts",
    tests: ["tests/server/turnstile_test.ts"],
    find:
      "if (this.#waiting.length === 0 && elapsedMs >= windowMs) this.#open();",
    replace:
      "if (this.#waiting.length > 0 || elapsedMs >= windowMs) this.#open();",
  },
  {
    name: "shell: what was cancelled is asked again",
    file: "cli/shell/reals.ts",
    find:
      "    if (!SAID_AGAIN.includes((error as { code?: unknown }).code)) throw error;\n",
    replace: "",
    tests: ["tests/cli/shell/reals_test.ts"],
  },
  {
    name: "shell: every number without a fraction is a REAL",
    file: "cli/shell/reals.ts",
    find: "row[columns + at] === 1 && ",
    replace: "",
    tests: ["tests/cli/shell/reals_test.ts"],
  },
  {
    name: "edges: long answers to anybody come as often as short ones",
    file: "server/open_turns.ts",
    tests: ["tests/server/turnstile_test.ts"],
    find: "LONG_PATHS.includes(path) ? long : open",
    replace: "LONG_PATHS.includes(path) && path === '' ? long : open",
  },
  {
    name:
      "edges: a watch goes on from before a reset whose entries were not told",
    file: "api/cache_events.ts",
    tests: ["tests/server/cache_routes_test.ts"],
    find: 'serverEventText("reset", {}, NOWHERE)',
    replace: 'serverEventText("reset", {})',
  },
  {
    name: "edges: JSON that nobody can read again is put",
    file: "server/routes/cache_headers.ts",
    tests: ["tests/server/cache_routes_test.ts"],
    find: "{ fatal: true, ignoreBOM: true }",
    replace: "{ fatal: true }",
  },
  {
    name: "edges: what a terminal would obey stands in a list of entries",
    file: "cli/cache.ts",
    tests: ["tests/cli/cache_test.ts"],
    find: "printable(shown(entry.value))",
    replace: "shown(entry.value)",
  },
  {
    name: "edges: a retry through a member with another limit is another write",
    file: "state/kv/state.ts",
    tests: ["tests/state/kv/machine_test.ts"],
    find: "{ ...options, asked: askedIn },",
    replace:
      "{ ...options, asked: (body) => body.subarray(askedIn(body).length * 0) },",
  },
  {
    name: "edges: what is due goes more slowly than more of it comes",
    file: "state/kv/expiry.ts",
    tests: ["tests/state/kv/expiry_test.ts"],
    find: "EXPIRED_PER_OPERATION = 2",
    replace: "EXPIRED_PER_OPERATION = 0",
  },
];
