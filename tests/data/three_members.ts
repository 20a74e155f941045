import { join } from "node:path";
import type { LocalClient } from "../../src/client/local.ts";
import type { SqlValue } from "../../src/state/sql/types.ts";
import { dumpTables } from "../../src/state/sqlite/apply/contents.ts";
import { nodeDriver } from "../../src/state/sqlite/driver/node_driver.ts";
import { openThree } from "../open_three.ts";
import type { SqlExecutor } from "./sqllogictest.ts";

/** Three members in this process, on real sockets and disks. */
export class ThreeMembers implements SqlExecutor, AsyncDisposable {
  readonly #dir: string;
  readonly #members: readonly LocalClient[];
  #turn = 0;
  #lastIndex = 0;

  private constructor(dir: string, members: readonly LocalClient[]) {
    this.#dir = dir;
    this.#members = members;
  }

  /** Starts them and waits until all are ready. */
  static async open(): Promise<ThreeMembers> {
    const dir = await Deno.makeTempDir({ prefix: "hiqlite-" });
    const { members } = await openThree(dir);
    return new ThreeMembers(dir, members);
  }

  /** A script as one replicated batch. */
  async batch(sql: string): Promise<void> {
    await this.#next().batch(sql);
  }

  /** Writes through one member after the other. */
  async execute(sql: string): Promise<void> {
    const { index } = await this.#next().execute(sql);
    this.#lastIndex = index;
  }

  /** Reads from one member after the other what was written before. */
  async query(sql: string): Promise<readonly (readonly SqlValue[])[]> {
    const minIndex = this.#lastIndex;
    return (await this.#next().member.query({ sql, minIndex })).rows;
  }

  /** Stops all members, once each has applied what was written, and answers what each holds. */
  async contents(): Promise<string[]> {
    for (const member of this.#members) {
      await member.query("SELECT 1", [], { consistency: "linearizable" });
    }
    await this.#stop();
    return this.#members.map((_, i) => {
      const state = join(this.#dir, `${i + 1}`, "state_machine");
      const current = Deno.readTextFileSync(join(state, "current"));
      return contentsOf(join(state, current, "hiqlite.db"));
    });
  }

  /** Stops them and removes their data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    await Deno.remove(this.#dir, { recursive: true });
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.shutdown()));
  }

  #next(): LocalClient {
    return this.#members[this.#turn++ % this.#members.length]!;
  }
}

/** Schema and a hash of every table of a database file. */
export function contentsOf(path: string): string {
  const connection = nodeDriver.open(path, { readOnly: true });
  try {
    return dumpTables(connection);
  } finally {
    connection.close();
  }
}
