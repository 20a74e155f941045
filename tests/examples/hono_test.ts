import assert from "node:assert/strict";
import { type Client, open } from "@hiqlite/hiqlite";
import { Hono } from "@hono/hono";
import { freePorts } from "../ports.ts";

/** The application: it is given its member, and does not know that there are others. */
function notesApp(db: Client): Hono {
  const app = new Hono();
  app.post("/notes", async (context) => {
    const { text } = await context.req.json<{ text: string }>();
    const { lastInsertRowid: id } = await db
      .sql`INSERT INTO note (text) VALUES (${text})`.execute();
    return context.json({ id }, 201);
  });
  app.get("/notes", async (context) => {
    const notes = await db.query("SELECT id, text FROM note", [], {
      consistency: "linearizable",
    });
    return context.json(notes);
  });
  return app;
}

Deno.test("a note that was given to one member is read at the others, also once that one has gone", async () => {
  const dir = await Deno.makeTempDir();
  const [a, b, c, d, e, f] = freePorts(6).map((port) => `127.0.0.1:${port}`);
  const secret = "three-members-of-one-test";
  const nodes = [
    { id: 1, raft: a!, api: b! },
    { id: 2, raft: c!, api: d! },
    { id: 3, raft: e!, api: f! },
  ];
  const members = await Promise.all(nodes.map(({ id }) =>
    open({
      nodeId: id,
      nodes,
      dataDir: `${dir}/${id}`,
      secretRaft: secret,
      secretApi: secret,
    })
  ));
  const [first, ...others] = members.map(notesApp);
  await members[0]!.migrate([
    {
      id: 1,
      name: "note",
      sql: "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
    },
  ]);

  const post = { method: "POST", body: JSON.stringify({ text: "milk" }) };
  assert.equal((await first!.request("/notes", post)).status, 201);
  await members[0]!.shutdown();
  for (const app of others) {
    const answer = await app.request("/notes");
    assert.deepEqual(await answer.json(), [{ id: 1, text: "milk" }]);
  }

  await Promise.all(members.map((member) => member.shutdown()));
  await Deno.remove(dir, { recursive: true });
});
