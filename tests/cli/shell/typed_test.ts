import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { open } from "../../../src/app/open.ts";
import { createApp } from "../../../src/server/app.ts";

const SECRET = "api-secret-0123456789";
const CLI = fileURLToPath(new URL("../../../cli.ts", import.meta.url));

/** The program behind a terminal, as `script` makes one. */
class Typed implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  readonly #read: Promise<void>;
  #output = "";
  #wake = (): void => {};

  constructor(url: string, home: string) {
    const run =
      `'${Deno.execPath()}' run --no-prompt --quiet --allow-net --allow-read --allow-write --allow-env --allow-sys '${CLI}' shell --url=${url}`;
    this.#process = new Deno.Command("script", {
      args: ["-q", "-e", "-c", run, "/dev/null"],
      env: { HQL_SECRET_API: SECRET, HOME: home, TERM: "xterm" },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#keys = this.#process.stdin.getWriter();
    this.#read = this.#copy();
  }

  async #copy(): Promise<void> {
    const texts = this.#process.stdout.pipeThrough(new TextDecoderStream());
    for await (const text of texts) {
      // Moves of the cursor are not what is looked for.
      // deno-lint-ignore no-control-regex
      this.#output += text.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, "");
      this.#wake();
    }
  }

  /** Types. */
  async type(keys: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(keys));
  }

  /** Waits until something is shown, and forgets what was before it. Bounded by 30 s. */
  async shows(text: string): Promise<void> {
    const late = AbortSignal.timeout(30_000);
    for (;;) {
      const at = this.#output.indexOf(text);
      if (at >= 0) {
        this.#output = this.#output.slice(at + text.length);
        return;
      }
      assert.ok(!late.aborted, `"${text}" is not shown: ${this.#output}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        late.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  /** Its exit code. */
  async ended(): Promise<number> {
    const { code } = await this.#process.status;
    await this.#read;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keys.close().catch(() => {});
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.ended();
  }
}

Deno.test({
  name:
    "a person types: Tab completes, Ctrl-C ends what runs, errors do not end it, the history has no secrets",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const dir = await Deno.makeTempDir();
    const db = await open({
      dataDir: `${dir}/data`,
      tickMs: 5,
      readyTimeoutMs: 20_000,
    });
    await db.execute("CREATE TABLE customers (long_name TEXT)");
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      createApp(db.member, { secretApi: SECRET }).fetch,
    );
    try {
      const url = `127.0.0.1:${server.addr.port}`;
      {
        await using shell = new Typed(url, dir);
        await shell.shows(".write on allows changes");
        await shell.shows("hiqlite> ");
        // A Tab among other keys counts as pasted.
        await shell.type("SELECT long_");
        await shell.shows("long_");
        await shell.type("\t");
        await shell.shows("name");
        await shell.type(" FROM cust");
        await shell.shows("cust");
        await shell.type("\t");
        await shell.shows("omers");
        await shell.type(";\r");
        await shell.shows("│ long_name │");
        await shell.shows("hiqlite> ");
        await shell.type("SELECT\r");
        await shell.shows("...> ");
        await shell.type("40 + 2 AS n;\r");
        await shell.shows("│ 42 │");
        await shell.type("SELEC;\r");
        await shell.shows("syntax error");
        await shell.shows("hiqlite> ");
        await shell.type(
          "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT x FROM c WHERE x = 2;\r",
        );
        await shell.shows("x = 2;");
        await shell.type("\x03");
        await shell.shows("Cancelled");
        await shell.shows("hiqlite> ");
        await shell.type("SELECT 'my password is';\r");
        await shell.shows("│ my password is   │");
        await shell.shows("hiqlite> ");
        await shell.type(".qu");
        await shell.shows(".qu");
        await shell.type("\t");
        await shell.shows("it");
        await shell.type("\r");
        assert.equal(await shell.ended(), 0);
      }
      const path = `${dir}/.hiqlite/shell_history`;
      const kept = await Deno.readTextFile(path);
      assert.match(kept, /SELECT long_name FROM customers;\n/);
      assert.doesNotMatch(kept, /password/);
      assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
      {
        await using shell = new Typed(url, dir);
        await shell.shows("hiqlite> ");
        await shell.type("\x1b[A\x1b[A");
        await shell.shows("WITH RECURSIVE");
        await shell.type("\x03");
        await shell.shows("hiqlite> ");
        await shell.type("\x04");
        assert.equal(await shell.ended(), 0);
      }
    } finally {
      await server.shutdown();
      await db.shutdown();
      await Deno.remove(dir, { recursive: true });
    }
  },
});
