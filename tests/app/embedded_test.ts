import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { freePorts } from "../ports.ts";

const PROGRAM = fileURLToPath(
  new URL("./embedded_program.ts", import.meta.url),
);
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
/** As the README says. */
const RIGHTS = [
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-env",
  "--allow-sys",
];

interface Ended {
  readonly code: number;
  readonly lines: string[];
  readonly errors: string;
}

/** Runs a program until it ends by itself, half a minute at most. */
async function run(command: string, args: string[]): Promise<Ended> {
  const folder = await Deno.makeTempDir({ prefix: "hql-embedded-" });
  const ports = freePorts(2).map(String);
  const child = new Deno.Command(command, {
    args: [...args, `${folder}/data`, ...ports],
    cwd: folder,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  await Deno.remove(folder, { recursive: true });
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return {
    code,
    lines: text(stdout).trim().split("\n"),
    errors: text(stderr),
  };
}

function expect({ code, lines, errors }: Ended, http: RegExp): void {
  const said = `${lines.join("\n")}\n${errors}`;
  assert.equal(code, 0, said);
  assert.deepEqual(lines.slice(0, 7), [
    'ok "written"',
    "timeout",
    "timeout",
    "timeout",
    "TimeoutError: The operation was aborted due to timeout",
    'ok [{"n":1}]',
    "sql",
  ], said);
  assert.match(lines[7]!, http);
  assert.equal(lines[8], "end");
}

Deno.test("H8 U4 an embedded member without the right to start processes: endless queries end, the API's are refused, the program ends", async () => {
  const args = ["run", "--no-check", "--no-prompt", ...RIGHTS];
  const ended = await run(Deno.execPath(), [
    ...args,
    `--config=${CONFIG}`,
    PROGRAM,
  ]);
  expect(ended, /^http 403 .*--allow-run=deno/);
});

Deno.test("U4 an embedded member that may start processes of Deno", async () => {
  const ended = await run(Deno.execPath(), [
    "run",
    "--no-check",
    "--no-prompt",
    ...RIGHTS,
    `--allow-run=${Deno.execPath()}`,
    `--config=${CONFIG}`,
    PROGRAM,
  ]);
  expect(ended, /^http 200 /);
});

Deno.test({
  name:
    "U3 a compiled program that embeds the package is also its member's children",
  // The runtime without tools, which compiling needs, may have to be downloaded.
  ignore: Deno.env.get("DENORT_BIN") === undefined,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "hql-compiled-" });
    const binary = `${folder}/program`;
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "compile",
        "--no-check",
        "--quiet",
        "--no-prompt",
        ...RIGHTS,
        "--allow-run",
        `--config=${CONFIG}`,
        `--output=${binary}`,
        PROGRAM,
      ],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    expect(await run(binary, []), /^http 200 /);
    await Deno.remove(folder, { recursive: true });
  },
});
