import assert from "node:assert/strict";
import { main } from "../../../src/cli/main.ts";
import type { Terminal } from "../../../src/cli/terminal.ts";
import { openThree } from "../../open_three.ts";
import { poll } from "../../cluster/harness.ts";
import { cheapHash, WRITE_HEADER } from "./with_dashboard.ts";

const SECRET = "secret-of-three-members";

interface Answer {
  readonly status: number;
  // deno-lint-ignore no-explicit-any
  readonly json: any;
  readonly cookie: string;
}

async function ask(
  url: string,
  method: string,
  path: string,
  { body, headers = {} }: {
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Promise<Answer> {
  const response = await fetch(`${url}/dashboard/api/${path}`, {
    method,
    headers: {
      "sec-fetch-site": "same-origin",
      "content-type": "application/json",
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const json = await response.json();
  const [cookie = ""] = (response.headers.get("set-cookie") ?? "").split(";");
  return { status: response.status, json, cookie };
}

Deno.test("a session is good on three members over their ports, until somebody signs out at one of them", async (test) => {
  const dir = await Deno.makeTempDir({ prefix: "hiqlite-dashboard-" });
  const three = await openThree(dir, {
    passwordDashboard: await cheapHash("right"),
  });
  try {
    const urls = (await three.members[0]!.cluster()).members
      .map(({ apiAddress }) => `http://${apiAddress}`);
    const [one, two, other] = urls as [string, string, string];

    await test.step("hiqlite open prints an address that signs in once, at any member", async () => {
      const lines: string[] = [];
      const code = await main({
        args: ["open", "--url", two],
        env: { HQL_SECRET_API: SECRET },
        out: (line: string) => lines.push(line),
        error: (line: string) => lines.push(`error: ${line}`),
      } as unknown as Terminal);
      assert.equal(code, 0, lines.join("\n"));
      const [, url, link] = /^(.+)\/dashboard\/#login=([\w.-]+)$/
        .exec(lines[0]!)!;
      assert.equal(url, two);
      // As browsers behind proxies ask: all members but the one that made it, at once.
      const uses = await Promise.all(
        [one, other, one, other].map((member) =>
          ask(member, "POST", "session", { body: { link } })
        ),
      );
      assert.deepEqual(uses.map(({ status }) => status).sort(), [
        200,
        ...[401, 401, 401],
      ]);
      const used = uses.find(({ status }) => status === 200)!;
      assert.equal(used.json.role, "admin");
      const elsewhere = await ask(two, "POST", "session", { body: { link } });
      assert.equal(elsewhere.status, 401);
    });

    const { cookie, json } = await ask(one, "POST", "session", {
      body: { password: "right" },
      headers: { "x-hiqlite-from": "10.9.9.9" },
    });
    assert.equal(json.role, "admin");

    await test.step("what it does on any member is remembered by all", async () => {
      const headers = {
        cookie,
        [WRITE_HEADER]: "1",
        "idempotency-key": "click",
        "x-hiqlite-from": "10.9.9.9",
      };
      const sql = "CREATE TABLE t (n)";
      const written = await ask(two, "POST", "sql/write", {
        body: { statements: [{ sql }] },
        headers,
      });
      assert.equal(written.status, 200);
      await poll("the third member to remember it", 30_000, async () => {
        const { json } = await ask(other, "GET", "audit", {
          headers: { cookie },
        });
        // deno-lint-ignore no-explicit-any
        const [entry] = json.entries.filter((one: any) => one.detail === sql);
        if (entry === undefined) return false;
        assert.deepEqual(
          [entry.action, entry.node_id, entry.write_index, entry.address],
          ["write", 2, written.json.index, "127.0.0.1"],
        );
        return true;
      });
    });

    await test.step("after it is signed out at one member, all refuse it", async () => {
      const out = await ask(two, "DELETE", "session", { headers: { cookie } });
      assert.deepEqual(out.json, { everywhere: true });
      for (const url of urls) {
        await poll(`${url} to refuse it`, 30_000, async () => {
          const { status } = await ask(url, "GET", "overview", {
            headers: { cookie },
          });
          return status === 401;
        });
      }
    });
  } finally {
    await Promise.all(three.members.map((member) => member.shutdown()));
    await Deno.remove(dir, { recursive: true });
  }
});
