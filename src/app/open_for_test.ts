import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configOf, type NodeOptions } from "../config/options.ts";
import { HiqliteError } from "../errors.ts";
import { LocalClient } from "../client/local.ts";
import type { Member } from "../node/port.ts";
import { openMember } from "./open_member.ts";

/** After so long a member of a test that is not ready is a failure, ms. */
const READY_MS = 60_000;

/** How a member for a test is opened. */
export interface TestMemberOptions extends Omit<NodeOptions, "dataDir"> {
  /** What every write takes for the time: `datetime('now')`, `CURRENT_TIMESTAMP` …, ms since 1970. @default {946_684_800_000}, the begin of 2000 in UTC */
  readonly nowMs?: number;
  /** By this `random()` and `randomblob()` of writes give the same in every run. @default {1} */
  readonly seed?: number;
  /** Where its folder is made. @default the machine's temporary folder */
  readonly tempDir?: string;
}

/**
 * Opens a single member for a unit test: in a temporary folder that goes when it is shut down, with a time that
 * stands still and chance that repeats itself, in everything that is written. Queries have the real time.
 *
 * ```ts
 * import { openForTest } from "@hiqlite/hiqlite";
 *
 * await using db = await openForTest({ nowMs: Date.UTC(2024, 1, 29) });
 * await db.execute("CREATE TABLE t (day TEXT DEFAULT (date('now')), n INTEGER DEFAULT (random()))");
 * await db.execute("INSERT INTO t DEFAULT VALUES");
 * console.log(await db.queryOne("SELECT day, n FROM t")); // the same in every run
 * ```
 *
 * @throws {HiqliteError} `invalid` for a time or seed that is no whole number, and as `open()` does.
 */
export async function openForTest(
  options: TestMemberOptions = {},
): Promise<LocalClient> {
  const { nowMs = Date.UTC(2000, 0), seed = 1, ...rest } = options;
  const { tempDir = tmpdir(), ...given } = rest;
  for (const [name, value] of Object.entries({ nowMs, seed })) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    throw new HiqliteError(
      "invalid",
      `${name}: expected a whole number from 0 on, got ${value}`,
    );
  }
  const dataDir = await mkdtemp(join(tempDir, "hiqlite-test-"));
  try {
    const { node } = await openMember(configOf({ ...given, dataDir }), {
      listen: false,
      written: { nowMs, seed },
    });
    const client = new TestClient(node, dataDir);
    try {
      await node.whenReady(READY_MS);
      return client;
    } catch (error) {
      await client.shutdown();
      throw error;
    }
  } catch (error) {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  }
}

/** Takes its folder with it. */
class TestClient extends LocalClient {
  readonly #dataDir: string;
  #ending: Promise<void> | null = null;

  constructor(member: Member, dataDir: string) {
    super(member);
    this.#dataDir = dataDir;
  }

  override shutdown(): Promise<void> {
    return this.#ending ??= this.#end();
  }

  async #end(): Promise<void> {
    await super.shutdown();
    await rm(this.#dataDir, { recursive: true });
  }
}
