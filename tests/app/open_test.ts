import assert from "node:assert/strict";
import { join } from "node:path";
import { Logger } from "../../src/util/logger.ts";
import { connect } from "../../src/client/remote.ts";
import { open, type OpenOptions } from "../../src/app/open.ts";
import { freePorts } from "../ports.ts";

async function withFolder(
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const FAST: OpenOptions = { tickMs: 5, readyTimeoutMs: 20_000 };

Deno.test("open() is ready at once, keeps its data, and reads its own writes", () =>
  withFolder(async (dataDir) => {
    const steps = join(dataDir, "steps");
    await Deno.mkdir(steps);
    await Deno.writeTextFile(
      join(steps, "1_note.sql"),
      "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)",
    );
    for (const expected of [1, 2]) {
      await using db = await open({ ...FAST, dataDir: join(dataDir, "db") });
      await db.migrate(steps);
      await db.execute("INSERT INTO note (text) VALUES (?)", ["hello"]);
      assert.equal(db.querySync("SELECT * FROM note").length, expected);
      assert.equal((await db.query("SELECT * FROM note")).length, expected);
    }
  }));

Deno.test("open() with nodes listens, and its API asks for the secret", () =>
  withFolder(async (dataDir) => {
    const listeners = [0, 0].map((port) =>
      Deno.listen({ hostname: "127.0.0.1", port })
    );
    const [raft, api] = listeners.map(({ addr }) => `127.0.0.1:${addr.port}`);
    for (const listener of listeners) listener.close();
    const secretApi = "api-secret-0123456789";
    await using db = await open({
      ...FAST,
      dataDir,
      nodes: [{ id: 1, raft: raft!, api: api! }],
      secretRaft: "raft-secret-0123456789",
      secretApi,
    });
    await using remote = connect({ urls: [api!], secret: secretApi });
    await remote.execute("CREATE TABLE t (v)");
    assert.deepEqual(db.querySync("SELECT * FROM t"), []);
    await using other = connect({ urls: [api!], secret: `${secretApi}x` });
    await assert.rejects(other.query("SELECT 1"), { code: "unauthorized" });
  }));

Deno.test("open() refuses a folder that is open already, and options that are wrong", () =>
  withFolder(async (dataDir) => {
    await using _db = await open({ ...FAST, dataDir });
    await assert.rejects(open({ ...FAST, dataDir }), { name: "HiqliteError" });
    await assert.rejects(open({ ...FAST, dataDir, readPoolSize: 0 }), {
      code: "config",
      key: "readPoolSize",
    });
  }));

Deno.test("open() gives up when it is not ready in time, and closes the folder", () =>
  withFolder(async (dataDir) => {
    const nodes = [1, 2].map((id) => ({
      id,
      raft: `127.0.0.1:${id}`,
      api: `127.0.0.1:${id + 10}`,
    }));
    const options: OpenOptions = {
      dataDir,
      nodes,
      nodeId: 1,
      listen: false,
      secretRaft: "raft-secret-0123456789",
      secretApi: "api-secret-0123456789",
      readyTimeoutMs: 50,
    };
    await assert.rejects(open(options), { code: "timeout" });
    await assert.rejects(open(options), { code: "timeout" });
  }));

Deno.test("open() says after three seconds what it waits for", () =>
  withFolder(async (dataDir) => {
    const ports = freePorts(4);
    const address = (at: number): string => `127.0.0.1:${ports[at]}`;
    const lines: string[] = [];
    await assert.rejects(
      open({
        tickMs: 5,
        readyTimeoutMs: 3500,
        dataDir,
        nodeId: 1,
        nodes: [
          { id: 1, raft: address(0), api: address(1) },
          { id: 2, raft: address(2), api: address(3) },
        ],
        secretRaft: "raft-secret-0123456789",
        secretApi: "api-secret-0123456789",
        logger: new Logger("warn", ({ message }) => lines.push(message)),
      }),
      { code: "timeout" },
    );
    assert.match(lines.join("\n"), /open\(\) waits until .* node 2/);
  }));

Deno.test("open() refuses :memory: with advice", async () => {
  await assert.rejects(open({ dataDir: ":memory:" }), {
    code: "config",
    key: "dataDir",
    message: /":memory:" is no folder.*temporary folder/,
  });
});
