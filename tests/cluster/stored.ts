import { equal } from "node:assert/strict";
import { join } from "node:path";
import { readPosition } from "../../src/state/sqlite/apply/bookkeeping.ts";
import { dumpContents } from "../../src/state/sqlite/apply/contents.ts";
import { Sessions } from "../../src/state/sessions.ts";
import { SqliteSessionStore } from "../../src/state/sqlite/apply/session_store.ts";
import { nodeDriver } from "../../src/state/sqlite/driver/node_driver.ts";
import { poll, type TestCluster } from "./harness.ts";

/** Members have applied as much as one another after so long without writes, ms. */
const LEVEL_MS = 60_000;

/** What a member has in its database. */
export interface Stored {
  /** The index of the last applied entry. */
  readonly index: number;
  /** The checksum of all answers so far. */
  readonly answers: number;
  /** Schema, AUTOINCREMENT counters and a hash of every table. */
  readonly contents: string;
  /** Sessions and the answers that are remembered. */
  readonly sessions: string;
}

/**
 * Reads, beside the running member whose data folder this is, what no request
 * may read, in one transaction; changes nothing.
 */
export async function storedIn(
  dataDir: string,
  filename = "hiqlite.db",
): Promise<Stored> {
  const folder = join(dataDir, "state_machine");
  const current = await Deno.readTextFile(join(folder, "current"));
  const path = join(folder, current.trim(), filename);
  const connection = nodeDriver.open(path, { readOnly: true });
  try {
    connection.exec("BEGIN");
    const position = readPosition(connection);
    if (position === null) throw new Error(`${path} was never used`);
    return {
      index: position.applied.index,
      answers: position.hash,
      contents: dumpContents(connection),
      sessions: new Sessions(new SqliteSessionStore(connection), position)
        .dump(),
    };
  } finally {
    connection.close();
  }
}

/**
 * Throws unless all running members have the same in their databases, to the
 * checksum of every answer. Nobody may write meanwhile.
 */
export async function assertEqualStored(cluster: TestCluster): Promise<void> {
  let stored: readonly Stored[] = [];
  await poll("all members to have applied the same", LEVEL_MS, async () => {
    stored = await Promise.all(
      cluster.nodes.map((node) => storedIn(cluster.dataDir(node))),
    );
    return stored.every(({ index }) => index === stored[0]!.index);
  });
  for (const [i, other] of stored.entries()) {
    for (const part of ["contents", "sessions", "answers"] as const) {
      equal(
        other[part],
        stored[0]![part],
        `${part} of members ${cluster.nodes[0]} and ${
          cluster.nodes[i]
        } differ at index ${other.index}`,
      );
    }
  }
}
