import { LocalCache } from "./cache/local_cache.ts";
import type { CacheOptions, CacheValue } from "./cache/types.ts";
import { cacheSessionOf, HiqliteClient } from "./hiqlite_client.ts";
import { LocalTransport } from "./local_transport.ts";
import { type LogIndex, nodeIdOf } from "../raft/types.ts";
import type { Member } from "../node/port.ts";
import type { Migration, SqlParameters } from "../state/sql/types.ts";
import { parseRowsSync } from "./schema.ts";
import { readMigrations } from "./migrations.ts";
import type { Row, SchemaOption, WriteOptions } from "./client.ts";
import { rowsByName } from "./rows.ts";

/** The client of a member in this process. */
export class LocalClient extends HiqliteClient {
  readonly #member: Member;

  /** Speaks to `member` and stops it with {@linkcode shutdown}. */
  constructor(member: Member) {
    super(
      new LocalTransport(member),
      `node ${nodeIdOf(member.cluster().self)}`,
    );
    this.#member = member;
  }

  /** The member, for servers of one's own: `apiHandler(client.member, …)`. */
  get member(): Member {
    return this.#member;
  }

  /**
   * Reads on the calling thread: a few µs, blocks it meanwhile. Contains every
   * earlier write of this client: in the moment after one was answered it may wait for its COMMIT.
   * @throws {HiqliteError} what a query throws; `timeout` if that takes a second.
   */
  querySync<T = Row>(
    sql: string,
    params?: SqlParameters,
    options: SchemaOption<T> = {},
  ): T[] {
    const result = this.#member.querySync(sql, params);
    return parseRowsSync(rowsByName(result), options.schema);
  }

  /** A cache by its name, which can also be read on the calling thread. */
  override cache<T = CacheValue>(
    name: string,
    options: CacheOptions<T> = {},
  ): LocalCache<T> {
    return new LocalCache(cacheSessionOf(this), name, options, this.#member);
  }

  /** Brings the schema up to date from objects or a folder of `<number>_<name>.sql` files. */
  override async migrate(
    migrations: readonly Migration[] | string | URL,
    options: WriteOptions = {},
  ): Promise<{ readonly index: LogIndex }> {
    const given = typeof migrations === "string" || migrations instanceof URL
      ? await readMigrations(migrations)
      : migrations;
    return super.migrate(given, options);
  }
}
