import type { Mutant } from "../table.ts";

/** Planted in who takes a backup when, and in restore. No seed runs them: tests find them. */
export const BACKUP_RUN_MUTANTS: readonly Mutant[] = [
  {
    name: "a time of the schedule has a backup for each leader's clock",
    file: "state/backups/rules.ts",
    find:
      'record.slot !== null && record.slot >= slot && record.state !== "failed"',
    replace:
      'record.slot !== null && record.slot > slot && record.state !== "failed"',
  },
  {
    name: "two backups are taken at a time",
    file: "state/backups/rules.ts",
    find: '  const running = own.find(({ state }) => state === "running");\n',
    replace: '  const running = own.find(({ state }) => state === "failed");\n',
  },
  {
    name: "what an earlier attempt says ends the present one",
    file: "state/backups/rules.ts",
    find: "      if (attempt !== record.attempt) {\n",
    replace: "      if (attempt > record.attempt) {\n",
  },
  {
    name: "a restored cluster waits for a backup of the one before",
    file: "state/backups/rules.ts",
    find:
      "  const own = records.filter(({ cluster }) => cluster === asked.cluster);\n",
    replace: "  const own = records;\n",
  },
  {
    name: "a new cluster catches up with what was before it",
    file: "node/backups/conductor.ts",
    find: "    if (dated.length === 0 && slot < this.#startedMs) return;\n",
    replace: "",
    tests: ["tests/node/backups"],
  },
  {
    name: "whoever takes a backup is given up with the first broken link",
    file: "node/backups/conductor.ts",
    find: "if (goneMs !== null && now - goneMs >= GONE_MS) {",
    replace: "if (goneMs !== null) {",
    tests: ["tests/node/backups"],
  },
  {
    name: "the leader takes the backup",
    file: "node/backups/uploader.ts",
    find: "    Number(a === leader) - Number(b === leader) ||\n",
    replace: "    Number(b === leader) - Number(a === leader) ||\n",
    tests: ["tests/node/backups"],
  },
  {
    name: "a copy that is kept goes with its snapshot",
    file: "state/sqlite/files/snapshot_files.ts",
    find: "      return this.#state;\n",
    replace: "      this.#removals.begin(path);\n      return this.#state;\n",
    tests: ["tests/state/sqlite/backup_file_test.ts"],
  },
  {
    name: "a copy takes no rest between its slices",
    file: "state/sqlite/files/copy_in_slices.ts",
    find: "    blockFor(Math.min(REST_FACTOR * took, REST_MS_MAX));\n",
    replace: "    void took;\n",
    tests: ["tests/state/sqlite/copy_in_slices_test.ts"],
  },
  {
    name: "a slice that never got to the disk is no error",
    file: "state/sqlite/files/copy_in_slices.ts",
    find: "  if (slices.failure !== null) throw slices.failure;\n",
    replace: "",
    tests: ["tests/state/sqlite/copy_in_slices_test.ts"],
  },
  {
    name:
      "who speaks with S3 takes the processor from those that answer somebody",
    file: "backup/stores/s3_worker.ts",
    find: "let store: BackupStore;\nstandBack();\n",
    replace: "let store: BackupStore;\n",
    tests: ["tests/backup/standing_back_test.ts"],
  },
  {
    name: "a backup is what its name says, whatever is in it",
    file: "node/open_restore.ts",
    find: '  if (source.kind === "backup") checkName(source.name, record);\n',
    replace: "",
    tests: ["tests/backup/stored_test.ts"],
  },
  {
    name: "a restore gives up data that nobody confirmed",
    file: "node/open_restore.ts",
    find:
      "    if (given !== null && !request.mayGiveUp(given)) throw unconfirmed(given);\n",
    replace: "",
    tests: ["tests/backup/restore_test.ts"],
  },
  {
    name: "an interrupted replacement puts the new data into quarantine",
    file: "node/volume/replacement.ts",
    find: "    if (!fs.existsSync(next)) continue;\n",
    replace: "",
    tests: ["tests/node/volume/replacement_test.ts"],
  },
  {
    name: "what was prepared and never completed stays",
    file: "node/volume/identity.ts",
    find: "    dropUnfinishedReplacement(this.path);\n",
    replace: "",
    tests: ["tests/node/volume/replacement_test.ts"],
  },
  {
    name: "what goes wrong in a look at a backup is no problem",
    file: "node/backups/taker.ts",
    find:
      "      problem = (error as Error).message.slice(0, ERROR_CHARS_MAX);\n",
    replace: '      problem = error === undefined ? "" : null;\n',
    tests: ["tests/backup/check_test.ts"],
  },
  {
    name: "the lowest node restores without anybody else",
    file: "node/cluster/restore_turn.ts",
    find: "if (self === lowest && 2 * waiting > nodes.length) {",
    replace: "if (self === lowest) {",
    tests: ["tests/node/cluster/restore_turn_test.ts"],
  },
  {
    name: "a backup that is restored already is restored again",
    file: "node/cluster/restore_turn.ts",
    find:
      '      answer !== null && answer.restored === source && answer.clusterId !== ""\n',
    replace:
      '      answer !== null && self !== Math.min(...nodes) &&\n      answer.restored === source && answer.clusterId !== ""\n',
    tests: ["tests/node/cluster/restore_turn_test.ts"],
  },
  {
    name: "an import takes what no statement may make",
    file: "state/sqlite/import/import_database.ts",
    find: "  checkSchema(driver, connection, source);\n",
    replace: "",
    tests: ["tests/backup/restore_test.ts"],
  },
];
