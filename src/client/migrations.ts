import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { HiqliteError } from "../errors.ts";
import type { Migration } from "../state/sql/types.ts";

/**
 * Reads the files `<number>_<name>.sql` of a folder, numbered 1, 2, 3 … without
 * gaps, in order. Files with another ending are left alone.
 *
 * @throws {HiqliteError} `invalid` for a name that does not fit, a gap or a number used twice; `storage` if the folder cannot be read.
 */
export async function readMigrations(
  folder: string | URL,
): Promise<Migration[]> {
  const path = folder instanceof URL ? fileURLToPath(folder) : folder;
  const names = await reading(path, () => readdir(path));
  const steps = names.filter((name) => name.endsWith(".sql")).map((name) => {
    const match = /^(\d{1,9})_(.+)\.sql$/.exec(name);
    if (match !== null) {
      return { id: Number(match[1]), name: match[2]!, file: name };
    }
    throw new HiqliteError(
      "invalid",
      `${join(path, name)}: expected a name such as 1_create_users.sql`,
    );
  }).sort((a, b) => a.id - b.id);
  const migrations: Migration[] = [];
  for (const [at, { id, name, file }] of steps.entries()) {
    if (id !== at + 1) {
      throw new HiqliteError(
        "invalid",
        `${join(path, file)}: expected number ${
          at + 1
        }; migrations count 1, 2, 3 … without gaps`,
      );
    }
    const full = join(path, file);
    const sql = await reading(full, () => readFile(full, "utf8"));
    migrations.push({ id, name, sql });
  }
  return migrations;
}

async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new HiqliteError(
      "storage",
      `Cannot read ${path}: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
}
