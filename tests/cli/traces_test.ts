import assert from "node:assert/strict";
import { join } from "node:path";
import { freeRange } from "../ports.ts";
import { Program } from "./program.ts";

/** A span as the runtime prints it: its name, its trace, itself, and the one that it is below. */
interface Printed {
  readonly name: string;
  readonly trace: string;
  readonly id: string;
  readonly parent: string | undefined;
  readonly status: string | undefined;
}

function spansIn(output: string): Printed[] {
  return output.split(/^(?=SPAN )/m).flatMap((text) => {
    const head = /^SPAN (\S+) \[([0-9a-f]{32})\/([0-9a-f]{16})\]/.exec(text);
    if (head === null) return [];
    const [, name, trace, id] = head;
    return [{
      name: name!,
      trace: trace!,
      id: id!,
      parent: /^ +parent: ([0-9a-f]{16})$/m.exec(text)?.[1],
      status: /^ +status: (.+)$/m.exec(text)?.[1],
    }];
  });
}

Deno.test("a write, a query and a put are traced below the request that they came with", async () => {
  const root = await Deno.makeTempDir();
  try {
    const port = freeRange(1);
    const api = `127.0.0.1:${port + 100}`;
    const dataDir = join(root, "data");
    await using program = new Program(["serve", "--no-config-file"], {
      HQL_NODES: `1 127.0.0.1:${port} ${api}`,
      HQL_DATA_DIR: dataDir,
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "console",
      NO_COLOR: "1",
    });
    await program.line(/"message":"ready"/);
    const secret = await Deno.readTextFile(join(dataDir, "secret_api"));
    const traces = ["a", "b", "c"].map((digit) => digit.repeat(32));
    const requests = [
      ["execute", { sql: "CREATE TABLE t (a)" }],
      ["query", { sql: "SELECT ? AS hush", params: ["quiet"] }],
      ["execute", { sql: "INSERT INTO nothing VALUES (1)" }],
    ] as const;
    for (const [i, [path, body]] of requests.entries()) {
      const answer = await fetch(`http://${api}/api/v1/${path}`, {
        method: "POST",
        headers: {
          "x-api-secret": secret.trim(),
          "content-type": "application/json",
          traceparent: `00-${traces[i]}-00000000000000aa-01`,
        },
        body: JSON.stringify(body),
      });
      await answer.text();
    }
    const put = await fetch(`http://${api}/api/v1/cache/sessions/who`, {
      method: "PUT",
      headers: {
        "x-api-secret": secret.trim(),
        "content-type": "text/plain",
        traceparent: `00-${"d".repeat(32)}-00000000000000aa-01`,
      },
      body: "quiet",
    });
    assert.equal(put.status, 204, await put.text());
    program.signal("SIGTERM");
    await program.status;
    const spans = spansIn(program.output);
    const below = (name: string, parent: string | undefined) =>
      spans.find((span) => span.name === name && span.parent === parent);
    const [write, query, failed] = traces.map((trace) => {
      const request = spans.find((span) =>
        span.trace === trace && span.parent === "00000000000000aa"
      );
      assert.ok(request, program.output);
      return below("hiqlite.write", request.id) ??
        below("hiqlite.query", request.id);
    });
    assert.equal(write?.name, "hiqlite.write", program.output);
    assert.equal(query?.name, "hiqlite.query", program.output);
    assert.match(failed?.status ?? "", /Error \(sql\)/);
    for (const step of ["hiqlite.replicate", "hiqlite.apply"]) {
      assert.ok(below(step, write.id), `${step} in ${program.output}`);
    }
    assert.match(program.output, /db\.query\.text: CREATE TABLE t \(a\)/);
    const request = spans.find(({ trace, parent }) =>
      trace === "d".repeat(32) && parent === "00000000000000aa"
    );
    const cached = below("hiqlite.cache.write", request?.id);
    for (const step of ["hiqlite.replicate", "hiqlite.apply"]) {
      assert.ok(below(step, cached?.id ?? "none"), program.output);
    }
    assert.match(program.output, /db\.operation\.name: put/);
    assert.match(program.output, /db\.collection\.name: sessions/);
    assert.ok(!program.output.includes("quiet"), "a parameter was told");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
