import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

Deno.test("deno task dashboard:dev serves the page as it is here, with what a member answers and under its policy", async () => {
  const asked: string[] = [];
  await using member = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      const { method, headers } = request;
      asked.push(
        `${method} ${pathname}${search} ${
          headers.get("cookie") ?? "–"
        } ${await request
          .text()}`,
      );
      return new Response("of the member", {
        status: pathname.endsWith("/gone") ? 404 : 200,
        headers: {
          "content-security-policy": "default-src 'none'",
          "set-cookie": "a=b",
          etag: '"of the member"',
        },
      });
    },
  );
  const dev = new Deno.Command(Deno.execPath(), {
    args: [
      ...["task", "--quiet", "dashboard:dev", "--port", "0", "--member"],
      `http://127.0.0.1:${(member.addr as Deno.NetAddr).port}`,
    ],
    cwd: ROOT,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = dev.stdout.pipeThrough(new TextDecoderStream())
    .values();
  let told = "";
  const until = async (what: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = what.exec(told);
      if (found !== null) return found;
      const { value, done } = await lines.next();
      assert.ok(!done, `it ended without ${what}: ${told}`);
      told += value;
    }
  };
  try {
    const [, url] = await until(/(http:\S+\/dashboard\/) with what/);
    const page = await fetch(url!, { headers: { cookie: "secret" } });
    const html = await page.text();
    assert.match(html, /<script/);
    assert.match(page.headers.get("content-type")!, /^text\/html/);
    assert.equal(page.headers.get("cache-control"), "no-store");
    assert.equal(
      page.headers.get("content-security-policy"),
      "default-src 'none'",
    );
    assert.equal(page.headers.get("etag"), null);
    const [, script] = /src="\.\/(assets\/main-[^"]+)"/.exec(html)!;
    const code = await fetch(`${url}${script}`);
    assert.match(code.headers.get("content-type")!, /javascript/);
    assert.ok((await code.text()).length > 10_000);
    asked.length = 0;
    const written = await fetch(`${url}api/sql/write?a=1`, {
      method: "POST",
      headers: { cookie: "c=d" },
      body: "{}",
    });
    assert.equal(await written.text(), "of the member");
    assert.equal(written.headers.get("set-cookie"), "a=b");
    const gone = await fetch(`${url}api/gone`);
    assert.equal(gone.status, 404);
    await gone.body?.cancel();
    assert.deepEqual(asked, [
      "POST /dashboard/api/sql/write?a=1 c=d {}",
      "GET /dashboard/api/gone – ",
    ]);
    told = "";
    const now = new Date();
    await Deno.utime(`${ROOT}dashboard/words.ts`, now, now);
    await until(/built in \d+ ms/);
  } finally {
    dev.kill();
    await lines.return?.();
    await dev.status;
  }
});
