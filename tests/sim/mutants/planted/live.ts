import type { Mutant } from "../table.ts";

/** Planted in what follows the database: changes of tables, and live queries. */
export const LIVE_MUTANTS: readonly Mutant[] = [
  {
    name:
      "live: a run that began before the change is shared by those whom it woke",
    file: "node/services/live/shared_query.ts",
    find: "const fresh = begun === null || begun >= least;",
    replace: "const fresh = begun === null || least >= 0;",
  },
  {
    name: "live: what changes while a query runs is not noticed",
    file: "node/services/live/live_queries.ts",
    find: "least = await this.#changed(life, index, tables, signal);",
    replace:
      "least = await this.#changed(life, Math.max(index, life.readTo), tables, signal);",
  },
  {
    name: "live: what depends on everything depends on the schema alone",
    file: "node/services/live/latest_changes.ts",
    find: "let last = tables === null ? this.#index : this.#schema;",
    replace: "let last = this.#schema;",
  },
  {
    name: "live: names of tables are compared letter by letter",
    file: "node/services/live/latest_changes.ts",
    find: "[foldName(name), name] as const",
    replace: "[name, name] as const",
  },
  {
    name: "live: nobody hears that a snapshot took the place of entries",
    file: "node/services/live/latest_changes.ts",
    find: "        this.#lose(event.to);\n",
    replace: "",
  },
  {
    name: "live: tables that changed long ago are forgotten without a word",
    file: "node/services/live/latest_changes.ts",
    find:
      "      this.#tables.delete(folded);\n      this.#from = Math.max(this.#from, index);\n",
    replace: "      this.#tables.delete(folded);\n      void index;\n",
  },
  {
    name: "live: a place in another cluster's log is taken for one in this",
    file: "node/services/live/change_feed.ts",
    find: "if (history !== this.#ports.history()) return false;",
    replace: "void history;",
  },
  {
    name:
      "live: a stream's first id is where its member is, not where it begins",
    file: "node/services/live/changes.ts",
    find: "return listener.place ?? given ?? begin?.place ?? null;",
    replace: "return listener.place ?? begin?.place ?? null;",
  },
  {
    name: "live: a stream that broke begins anew",
    file: "client/live_over_http.ts",
    find: 'return id === "" ? before : id;',
    replace: 'return id === "" ? id : before;',
  },
  {
    name: "live: what a virtual table keeps its data in is no part of it",
    file: "state/sqlite/read/dependencies.ts",
    find: "if (name.startsWith(`${owner}_`)) pending.push(owner);",
    replace: "if (name === owner) pending.push(owner);",
  },
  {
    name: "live: a dropped table's foreign keys are not told of",
    file: "state/sqlite/apply/touched_tables.ts",
    find: "    ...tablesWritten(compiled, before),\n",
    replace: "",
  },
  {
    name: "live: a token asked for by its function is no dependency",
    file: "state/sqlite/statement/policy.ts",
    tests: ["tests/state/sqlite/read/observe_test.ts"],
    find:
      "      if (called === TOKEN_FUNCTION) observed.reads.add(LOCKS_VIEW);\n",
    replace: "",
  },
  {
    name: "live: what changes locks is no change of their view",
    file: "state/sqlite/apply/entry_runner.ts",
    tests: ["tests/state/sqlite/locks_test.ts"],
    find: "      ...(shownChanged ? [LOCKS_VIEW] : []),\n",
    replace: "",
  },
  {
    name: "live: what is published is no change of its table",
    file: "state/sqlite/apply/entry_runner.ts",
    tests: ["tests/state/sqlite/topics/topics_test.ts"],
    find: "      ...(published ? [EVENTS_TABLE_NAME] : []),\n",
    replace: "",
  },
  {
    name: "live: who begins to wait for a lock is not seen in the view",
    file: "state/sqlite/locks/lock_rows.ts",
    tests: ["tests/state/sqlite/locks_test.ts"],
    find:
      '    this.shownChanged = true;\n    this.#change(\n      "addWaiter",',
    replace: '    this.#change(\n      "addWaiter",',
  },
  {
    name: "live: a stream ends without a word of why",
    file: "server/event_stream.ts",
    tests: ["tests/server/live_routes_test.ts"],
    find: "          controller.enqueue(encoder.encode(errorText(error)));\n",
    replace: "",
  },
  {
    name: "live: who asks with HEAD is told of changes for ever",
    file: "server/app.ts",
    tests: ["tests/server/live_routes_test.ts"],
    find: '  if (context.req.raw.method === "HEAD") await context',
    replace: '  if (context.req.raw.method === "") await context',
  },
  {
    name: "live: what a stream ended by is asked again",
    file: "client/follow.ts",
    tests: ["tests/client/live_stream_test.ts"],
    find: "      if (event.event === ERROR_EVENT) throwTold(event.data);\n",
    replace: "",
  },
];
