import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join, relative } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { open } from "../../src/app/open.ts";

/** The folder of a test, removed at its end. */
export class TestFolder implements AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "hiqlite-backup-" });

  /** A path in it. */
  at(name: string): string {
    return join(this.path, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Fills a member with these rows and stops it; its cluster's id. */
export async function fill(
  dataDir: string,
  rows: readonly string[],
): Promise<string> {
  const db = await open({ dataDir });
  try {
    await db.execute("CREATE TABLE IF NOT EXISTS t (text TEXT)");
    for (const row of rows) await db.execute("INSERT INTO t VALUES (?)", [row]);
    return (await db.cluster()).clusterId;
  } finally {
    await db.shutdown();
  }
}

/** The rows of a member that is started for it, and its cluster's id. */
export async function readBack(
  dataDir: string,
): Promise<{ readonly rows: string[]; readonly clusterId: string }> {
  await using db = await open({ dataDir });
  const rows = await db.query<{ text: string }>("SELECT text FROM t");
  const { clusterId } = await db.cluster();
  return { rows: rows.map(({ text }) => text), clusterId };
}

/** The rows of a stopped member, from its file: much faster than a start. */
export function rowsOf(dataDir: string): string[] {
  const db = new DatabaseSync(databaseOf(dataDir));
  try {
    return db.prepare("SELECT text FROM t").all().map(({ text }) =>
      String(text)
    );
  } finally {
    db.close();
  }
}

/** The file of a stopped member's database. */
export function databaseOf(dataDir: string): string {
  const state = join(dataDir, "state_machine");
  const current = fs.readFileSync(join(state, "current"), "utf8").trim();
  return join(state, current, "hiqlite.db");
}

/** A hash of every file of the data below a folder: of log, database and identity. */
export function dataHashes(dataDir: string): Record<string, string> {
  const hashes: Record<string, string> = {};
  const walk = (path: string): void => {
    for (const entry of fs.readdirSync(path, { withFileTypes: true })) {
      const below = join(path, entry.name);
      const name = relative(dataDir, below);
      if (name === "restore.tmp" || name === "lock") continue;
      if (entry.isDirectory()) walk(below);
      else {
        hashes[name] = createHash("sha256").update(fs.readFileSync(below))
          .digest("hex");
      }
    }
  };
  walk(dataDir);
  return hashes;
}

/** A SQLite file as another program makes it. */
export function makeForeign(path: string, statements: readonly string[]): void {
  const db = new DatabaseSync(path);
  for (const sql of statements) db.exec(sql);
  db.close();
}
