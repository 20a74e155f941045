import type { Mutant } from "../table.ts";

/** Planted in what keeps members equal, and in what sees that they are not. */
export const EQUAL_MEMBERS_MUTANTS: readonly Mutant[] = [
  {
    name: "the largest rowid is free for UPDATE",
    file: "state/sqlite/apply/rowid_guards.ts",
    find: '    { event: `UPDATE OF ${names.join(", ")}`, when, body },\n',
    replace: "",
    step: 10,
  },
  {
    name: "the largest rowid is free for UPDATE by its other names",
    file: "state/sqlite/apply/rowid_guards.ts",
    find: '.map(quotedName), "rowid", "_rowid_", "oid"];',
    replace: ".map(quotedName)];",
    step: 10,
  },
  {
    name: "the rowid of a single row is not looked at",
    file: "state/sqlite/apply/rowid_guards.ts",
    find: "    if (inserted === INT64_MAX) {\n",
    replace: "    if (inserted === INT64_MAX && shadows?.length === 1) {\n",
    step: 10,
  },
  {
    name: "several rows are taken for one",
    file: "state/sqlite/statement/one_row.ts",
    find: "  return at === words.length;\n",
    replace: "  return at <= words.length;\n",
    step: 10,
  },
  {
    name: "a table with triggers of its own has no guard",
    file: "state/sqlite/apply/rowid_guards.ts",
    find: "return !observed.triggers && insertsOneRow",
    replace: "return insertsOneRow",
    step: 10,
  },
  {
    name: "virtual tables have no guards",
    file: "state/sqlite/apply/rowid_guards.ts",
    find: "      if (isGuarded(name, shadowTables)) this.#guard(",
    replace: '      if (name === "") this.#guard(',
    step: 10,
  },
  {
    name: "a guard that SQLite ignores is ignored",
    file: "state/sqlite/apply/rowid_guards.ts",
    find: "      if (!this.#hasRefused(shadow)) continue;\n",
    replace: "      continue;\n",
    step: 10,
  },
  {
    name: "indexes may depend on the current time",
    file: "state/sqlite/apply/rowid_guards.ts",
    find: "  if (dates !== null) {\n",
    replace: "  if (dates !== null && rowid === rowid + 1) {\n",
    step: 10,
  },
  {
    name: "guards of what is computed from dates stay where nothing is",
    file: "state/sqlite/apply/writer_schema.ts",
    find: "      this.#guards.dropDated();\n",
    replace: "",
    step: 10,
  },
  {
    name: "guards of virtual tables go with a rollback of the schema",
    file: "state/sqlite/apply/executor.ts",
    find:
      '    this.#connection.command(\n      "SELECT 1 FROM main.sqlite_schema, temp.sqlite_schema LIMIT 0",\n    );\n',
    replace: "    this.#connection.defend(true);\n",
    step: 10,
  },
  {
    name: "full-text search writes when it likes",
    file: "state/sqlite/apply/executor.ts",
    find: "    if (!this.#unsettled) return;\n",
    replace: "    if (this.#unsettled !== null) return;\n",
    step: 10,
  },
  {
    name: "what opening a virtual table compiles is the statement's",
    file: "state/sqlite/apply/executor.ts",
    find:
      "    openVirtualTables(this.#connection, this.#schema.virtualTables);\n",
    replace: "",
    step: 10,
  },
  {
    name: "the policy is off while statements run",
    file: "state/sqlite/statement/policy.ts",
    find: '    this.#mode = "nested";\n',
    replace: '    this.#mode = "internal";\n',
    step: 10,
  },
  {
    name: "a foreign key may refer to a member's table",
    file: "state/sqlite/statement/cache.ts",
    find: 'before === "references"',
    replace: 'before === ""',
    step: 10,
  },
  {
    name: "the content of a full-text table may be anything",
    file: "state/sqlite/apply/virtual_tables.ts",
    find: "      if (refusal === null) continue;\n",
    replace: '      if (refusal !== "") continue;\n',
    step: 10,
  },
  {
    name: "every SQLITE_FULL is a full disk",
    file: "state/sqlite/driver/room.ts",
    find: '  return path === "" || path === null || takes',
    replace: "  return path === 0 && takes",
    step: 10,
  },
  {
    name: "no SQLITE_FULL is a full disk",
    file: "state/sqlite/driver/room.ts",
    find:
      '  if (ask("PRAGMA main.max_page_count") !== PAGES_MAX) return false;\n',
    replace: '  if (ask("PRAGMA main.max_page_count") === -1) return false;\n',
    step: 10,
  },
  {
    name: "the walk through the contents stays in its table",
    file: "state/sqlite/apply/contents_scan.ts",
    find: "    if (piece.ended) this.#save(`${name}\\x01`, []);",
    replace: "    if (piece.ended) this.#save(name, []);",
    step: 10,
  },
  {
    name: "the walk through the contents sums up names only",
    file: "state/sqlite/apply/contents_scan.ts",
    find: '      text += render(value) + "\\t";\n',
    replace: "",
    step: 10,
  },
  {
    name: "members that all differ keep silent",
    file: "node/cluster/witness.ts",
    find: "    this.#compare(voters, hashes);\n",
    replace: "",
  },
  {
    name: "a disagreement that ended is told for ever",
    file: "node/cluster/witness.ts",
    find:
      "      if (!differs(last)) disagreements.settled(voter);\n      else {",
    replace: "      if (differs(last)) {",
  },
];
