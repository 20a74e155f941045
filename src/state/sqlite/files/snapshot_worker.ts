import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { StateDamagedError } from "../../port.ts";
import { readPosition, readPositionAt } from "../apply/bookkeeping.ts";
import {
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteDriver,
  type SqliteDriverSpec,
} from "../driver/driver.ts";
import { stateFailure } from "../driver/result_codes.ts";
import type { ByteWriter } from "../../../util/bytes.ts";
import { openDriver } from "../driver/open_driver.ts";
import { okAnswer } from "../thread/answers.ts";
import { serveRequests } from "../thread/worker_handle.ts";
import { UNREPORTED, writeApplied } from "../apply/writer_protocol.ts";
import { standBack } from "../../../util/stand_back.ts";
import { readBackupFile } from "./backup_file.ts";
import { blockFor, copyInSlices } from "./copy_in_slices.ts";

/** What a Worker beside the writer is asked to do, once. */
export type SnapshotTask =
  & { readonly driver: SqliteDriverSpec; readonly path: string }
  & (
    /** Copy the database as it is now into a new file. Answers position, size and SHA-256. */
    | { readonly kind: "build"; readonly target: string }
    /** Look for damage; in a hurry without rests between the tables. Answers nothing. */
    | { readonly kind: "check"; readonly hurry: boolean }
    /** Read a copy that nobody uses. Answers what it says of itself, as JSON. */
    | { readonly kind: "inspect" }
  );

/** A check rests so many times as long as it worked. */
const REST_FACTOR = 9;
const REST_MS_MAX = 60_000;
/** A table is read in one go, and keeps the WAL from being reset meanwhile: too long in a larger database. */
const CHECKED_BYTES_MAX = 4 * 1024 ** 3;

const HASHED_BYTES = 1024 * 1024;

serveRequests<SnapshotTask>(async (task) => ({
  opened: await perform(task),
  answer: () => okAnswer(),
  close: () => {},
}));

async function perform(task: SnapshotTask): Promise<ByteWriter> {
  standBack();
  try {
    const driver = openDriver(task.driver);
    switch (task.kind) {
      case "build":
        return await build(driver, task.path, task.target);
      case "check":
        return check(driver, task.path, task.hurry);
      case "inspect":
        return okAnswer().text(
          JSON.stringify(readBackupFile(driver, task.path)),
        );
    }
  } catch (error) {
    throw stateFailure(error);
  }
}

function check(
  driver: SqliteDriver,
  path: string,
  hurry: boolean,
): ByteWriter {
  const connection = driver.open(path, { readOnly: true });
  try {
    connection.exec(`PRAGMA busy_timeout = 5000`);
    if (!hurry && bytesOf(connection) > CHECKED_BYTES_MAX) return okAnswer();
    for (const table of tablesOf(connection)) {
      const begin = performance.now();
      checkTable(connection, table);
      if (hurry) continue;
      const rest = REST_FACTOR * (performance.now() - begin);
      // Nothing is ever sent here: the Worker sleeps, and its answer comes late.
      blockFor(Math.min(rest, REST_MS_MAX));
    }
  } finally {
    connection.close();
  }
  return okAnswer();
}

function bytesOf(connection: SqliteConnection): number {
  const [pages, size] = ["page_count", "page_size"].map((name) =>
    connection.prepare(`PRAGMA ${name}`)!.all(NO_BINDINGS)[0]![0] as number
  );
  return pages! * size!;
}

function tablesOf(connection: SqliteConnection): string[] {
  const tables = connection.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0",
  )!.all(NO_BINDINGS).map(([name]) => String(name));
  return ["sqlite_schema", ...tables];
}

function checkTable(connection: SqliteConnection, table: string): void {
  // What is wrong with pages begins so; the rest is about rows, and may be what statements asked for.
  const problem = quickCheck(connection, table)
    .find((text) => text.startsWith("*** in database"));
  if (problem === undefined) return;
  throw new StateDamagedError(
    `The database is damaged in table ${table}: ${
      problem.replaceAll("\n", " ").slice(0, 200)
    }`,
  );
}

function quickCheck(connection: SqliteConnection, table: string): string[] {
  const quoted = `'${table.replaceAll("'", "''")}'`;
  try {
    return connection.prepare(`PRAGMA quick_check(${quoted})`)!.all(NO_BINDINGS)
      .map(([text]) => String(text));
  } catch (error) {
    // It was dropped meanwhile.
    if ((error as Error).message.startsWith("no such table")) return [];
    throw error;
  }
}

/** A plain copy: VACUUM INTO attaches the new file, which the runtime refuses to whoever may not do everything. */
async function build(
  driver: SqliteDriver,
  path: string,
  target: string,
): Promise<ByteWriter> {
  const connection = driver.open(path, { readOnly: true });
  try {
    connection.exec(`PRAGMA busy_timeout = 5000; BEGIN`);
    // The first read fixes the state that is copied.
    readPosition(connection);
    await copyInSlices(connection, target);
  } finally {
    connection.close();
  }
  leaveWal(driver, target);
  const answer = okAnswer();
  const position = readPositionAt(driver, target);
  writeApplied(answer, position, [], null, UNREPORTED);
  const { size, sha256 } = hashFile(target);
  answer.u53(size).text(sha256);
  return answer.u53(position.timeMs).u32(position.hash);
}

/** A database that says it has a WAL cannot be read without making one. */
function leaveWal(driver: SqliteDriver, path: string): void {
  const connection = driver.open(path, { readOnly: false });
  try {
    connection.exec(`PRAGMA synchronous = OFF; PRAGMA journal_mode = DELETE`);
  } finally {
    connection.close();
  }
}

function hashFile(path: string): { size: number; sha256: string } {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(HASHED_BYTES);
  const file = openSync(path, "r");
  let size = 0;
  try {
    for (;;) {
      const count = readSync(file, buffer);
      if (count === 0) return { size, sha256: hash.digest("hex") };
      hash.update(buffer.subarray(0, count));
      size += count;
    }
  } finally {
    closeSync(file);
  }
}
