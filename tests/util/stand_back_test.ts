import assert from "node:assert/strict";
import { getPriority } from "node:os";

const SOURCE = new URL("../../src/util/stand_back.ts", import.meta.url).href;

Deno.test({
  name: "a thread that stands back does so alone",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const before = getPriority(0);
    const worker = new Worker(new URL("./standing_back.ts", import.meta.url), {
      type: "module",
    });
    const priority = await new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
    });
    worker.terminate();
    assert.equal(priority, 5);
    assert.equal(getPriority(0), before);
  },
});

Deno.test("who may not set priorities goes on as before", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-config", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(
    new TextEncoder().encode(
      `import { standBack } from "${SOURCE}"; standBack(); console.log("on");`,
    ),
  );
  await input.close();
  const { stdout } = await child.output();
  assert.equal(new TextDecoder().decode(stdout), "on\n");
});
