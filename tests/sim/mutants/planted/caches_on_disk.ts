import type { Mutant } from "../table.ts";

/** Planted where caches are on the disk. No seed runs it: tests find them. */
export const CACHES_ON_DISK_MUTANTS: readonly Mutant[] = [
  {
    name: "an entry on the disk is not verified",
    file: "state/kv/sqlite/entry_table.ts",
    find: "    if (!same) throw damagedEntry(number);\n",
    replace: "    if (!same && number < 0) throw damagedEntry(number);\n",
  },
  {
    name: "the bytes of an entry on the disk are not verified",
    file: "state/kv/sqlite/entry_table.ts",
    find:
      "  if (!(bytes instanceof Uint8Array) || crc32(bytes) !== bytesCrc) {\n",
    replace: "  if (!(bytes instanceof Uint8Array)) {\n",
  },
  {
    name: "rows of removed numbers stay after a restart",
    file: "state/kv/sqlite/store.ts",
    find: "    this.#removed.load();\n",
    replace: "",
  },
  {
    name: "a failed checkpoint is forgotten",
    file: "state/kv/sqlite/checkpointer.ts",
    find: "    this.#failure ??= error;\n",
    replace: "",
  },
  {
    name: "the WAL never begins anew while somebody writes",
    file: "state/kv/sqlite/checkpointer.ts",
    find: "!(whole || this.#isLong)",
    replace: "!whole",
  },
  {
    name: "a transaction begins while the WAL begins anew",
    file: "state/kv/sqlite/checkpointer.ts",
    find: "      default:\n        return false;\n",
    replace: "      default:\n        return true;\n",
  },
  {
    name: "the page that begins the WAL anew is written into the file, too",
    file: "state/kv/sqlite/checkpoint_worker.ts",
    find: "  // The one page of it stays there",
    replace: "  backfill(database);\n  // The one page of it stays there",
  },
  {
    name: "a snapshot is adopted before it is durable",
    file: "state/kv/machine.ts",
    find: "      else store.checkpoint(replaced);\n",
    replace: "      else replaced(null);\n",
  },
];
