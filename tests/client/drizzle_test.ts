import assert from "node:assert/strict";
import { asc, eq, sql } from "drizzle-orm";
import { drizzle, type SqliteRemoteDatabase } from "drizzle-orm/sqlite-proxy";
import {
  blob,
  customType,
  integer,
  sqliteTable,
  text,
} from "drizzle-orm/sqlite-core";
import type { Client } from "../../src/client/client.ts";
import type { SqlParameter, SqlValue } from "../../src/state/sql/types.ts";
import { connect } from "../../src/client/remote.ts";
import { inSteps, withApi, withMember } from "./one_member.ts";

/** 64 bits as they are: Drizzle's own `integer` makes a number of everything. */
const int64 = customType<{ data: bigint; driverData: number | bigint }>({
  dataType: () => "integer",
  fromDriver: (value) => BigInt(value),
});

const team = sqliteTable("team", {
  id: integer().primaryKey(),
  name: text().notNull().unique(),
});

const player = sqliteTable("player", {
  id: integer().primaryKey(),
  name: text().notNull(),
  teamId: integer("team_id").references(() => team.id),
  points: int64().notNull().default(0n),
  born: integer({ mode: "timestamp_ms" }),
  active: integer({ mode: "boolean" }).notNull().default(true),
  tags: text({ mode: "json" }).$type<readonly string[]>(),
  face: blob({ mode: "buffer" }),
});

const SCHEMA = `
  CREATE TABLE team (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE player (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL,
    team_id INTEGER REFERENCES team(id), points INTEGER NOT NULL DEFAULT 0,
    born INTEGER, active INTEGER NOT NULL DEFAULT 1, tags TEXT, face BLOB
  );`;

type Method = "run" | "all" | "values" | "get";
/** A statement of a batch. */
interface Asked {
  readonly sql: string;
  readonly params: SqlParameter[];
}
type Rows = SqlValue[][] | SqlValue[] | undefined;

/** Drizzle over a client: what reads is a query, what writes is replicated, and a batch is one transaction. */
function orm(client: Client): SqliteRemoteDatabase {
  return drizzle(
    async (text: string, params: SqlParameter[], method: Method) => {
      const reads = /^\s*(select|with)\b/i.test(text);
      const { rows } = reads
        ? await client.queryRaw(text, params)
        : await client.executeRaw(text, params);
      const given: Rows = method === "get"
        ? rows[0]?.slice()
        : rows.map((row) => row.slice());
      return { rows: given as SqlValue[] };
    },
    async (batch: Asked[]) => {
      const { results } = await client.txn(
        batch.map(({ sql, params }) => ({ sql, params })),
      );
      return results.map(({ rows }) => ({
        rows: rows.map((row) => Object.values(row)),
      }));
    },
  );
}

interface Case {
  readonly title: string;
  run(db: SqliteRemoteDatabase, client: Client): Promise<void>;
}

const CASES: readonly Case[] = [
  {
    title: "inserts, and gives what was returned",
    async run(db) {
      const born = new Date(1_700_000_000_123);
      const face = Buffer.from([0, 255]);
      await db.insert(team).values([{ name: "red" }, { name: "blue" }]);
      const [ada] = await db.insert(player).values({
        ...{ name: "Ada", teamId: 1, points: 9007199254740993n },
        ...{ born, active: false, tags: ["first", "fast"], face },
      }).returning();
      assert.deepEqual(ada, {
        ...{ id: 1, name: "Ada", teamId: 1, points: 9007199254740993n },
        ...{ born, active: false, tags: ["first", "fast"], face },
      });
      await db.insert(player).values({ name: "Ben", teamId: 2 });
      await db.insert(player).values({ name: "Cy" });
    },
  },
  {
    title: "selects with joins; columns of one name stay apart",
    async run(db) {
      const rows = await db.select().from(player)
        .leftJoin(team, eq(player.teamId, team.id)).orderBy(asc(player.id));
      assert.deepEqual(
        rows.map((row) => [row.player.id, row.player.name, row.team]),
        [
          [1, "Ada", { id: 1, name: "red" }],
          [2, "Ben", { id: 2, name: "blue" }],
          [3, "Cy", null],
        ],
      );
      const [sum] = await db.select({ n: sql<number>`count(*)` }).from(player);
      assert.deepEqual(sum, { n: 3 });
      const one = await db.select().from(team).where(eq(team.name, "none"))
        .get();
      assert.equal(one, undefined);
    },
  },
  {
    title: "updates and deletes with what they return",
    async run(db) {
      const rows = await db.update(player)
        .set({ points: sql`${player.points} + 1` })
        .where(eq(player.name, "Ada")).returning({ points: player.points });
      assert.deepEqual(rows, [{ points: 9007199254740994n }]);
      const gone = await db.delete(player).where(eq(player.name, "Cy"))
        .returning({ id: player.id });
      assert.deepEqual(gone, [{ id: 3 }]);
    },
  },
  {
    title: "runs a batch as one transaction, all or nothing",
    async run(db) {
      const [inserted] = await db.batch([
        db.insert(team).values({ name: "green" }).returning({ id: team.id }),
        db.update(player).set({ teamId: 3 }).where(eq(player.name, "Ben")),
      ]);
      assert.deepEqual(inserted, [{ id: 3 }]);
      await assert.rejects(db.batch([
        db.insert(team).values({ name: "black" }),
        db.insert(team).values({ name: "red" }),
      ]));
      const names = await db.select({ name: team.name }).from(team)
        .orderBy(asc(team.id));
      assert.deepEqual(names.map(({ name }) => name), ["red", "blue", "green"]);
    },
  },
];

Deno.test("Drizzle's sqlite-proxy over a client, embedded and over HTTP", (t) =>
  withMember((db) =>
    withApi(db, async (reach) => {
      await using remote = connect(reach);
      const clients: [string, Client][] = [
        ["embedded", db],
        ["over HTTP", remote],
      ];
      for (const [where, client] of clients) {
        await client.batch(
          `DROP TABLE IF EXISTS player; DROP TABLE IF EXISTS team; ${SCHEMA}`,
        );
        const cases = CASES.map((one) => ({
          ...one,
          title: `${one.title} (${where})`,
        }));
        await inSteps(t, cases, (one) => one.run(orm(client), client));
      }
    })
  ));
