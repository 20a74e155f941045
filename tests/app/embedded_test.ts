import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { EMBEDDED_RIGHTS } from "./embedded_rights.ts";
import { freePorts } from "../ports.ts";
import { cheapHash } from "../server/dashboard/with_dashboard.ts";

const PROGRAM = fileURLToPath(
  new URL("./embedded_program.ts", import.meta.url),
);
const MEMBER = fileURLToPath(new URL("./embedded_member.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** With the options that Deno has by itself, which are not this package's. */
const BESIDE = `
import { type Client, open, ref } from "@hiqlite/hiqlite";
import { connect } from "@hiqlite/hiqlite/client";
export const members: Promise<Client>[] = [open({ dataDir: "data" })];
export const remote: Client = connect({ urls: ["http://h:1"], secret: "s" });
export const data = { topic: "t", data: ref(0, "id") };
`;

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
  const args = ["run", "--no-check", "--no-prompt", ...EMBEDDED_RIGHTS];
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
    ...EMBEDDED_RIGHTS,
    `--allow-run=${Deno.execPath()}`,
    `--config=${CONFIG}`,
    PROGRAM,
  ]);
  expect(ended, /^http 200 /);
});

Deno.test("a program beside the package is type-checked with it", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hql-beside-" });
  const links = [fileURLToPath(new URL("../..", import.meta.url))];
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ links }));
  await Deno.writeTextFile(`${folder}/main.ts`, BESIDE);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "main.ts"],
    cwd: folder,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  await Deno.remove(folder, { recursive: true });
});

/** Compiles a program of an embedder as the README says. */
async function compile(program: string, binary: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "--exclude-unused-npm",
      "--no-check",
      "--quiet",
      "--no-prompt",
      ...EMBEDDED_RIGHTS,
      Deno.build.os === "linux" ? "--allow-run=/proc/self/exe" : "--allow-run",
      `--config=${CONFIG}`,
      `--output=${binary}`,
      program,
    ],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** What a process prints, up to and with `last`, or until it ends. */
async function printedUpTo(
  last: string,
  lines: ReadableStreamDefaultReader<string>,
): Promise<string> {
  let text = "";
  while (!text.includes(`${last}\n`)) {
    const { done, value } = await lines.read();
    if (done) break;
    text += value;
  }
  return text;
}

/** What each of three processes of `binary` prints until all have seen one another, and when they are told to end. */
async function runThree(binary: string, dir: string): Promise<string[]> {
  const password = await cheapHash("of the dashboard");
  const ports = freePorts(6).map(String);
  const children = [1, 2, 3].map((id) =>
    new Deno.Command(binary, {
      args: [`${id}`, `${dir}/${id}`, password, ...ports],
      stdin: "piped",
      stdout: "piped",
    }).spawn()
  );
  const timer = setTimeout(() => {
    for (const child of children) child.kill("SIGKILL");
  }, 120_000);
  const readers = children.map((child) =>
    child.stdout.pipeThrough(new TextDecoderStream()).getReader()
  );
  const seen = await Promise.all(
    readers.map((reader) => printedUpTo("ready to end", reader)),
  );
  const ended = await Promise.all(children.map(async (child, at) => {
    await child.stdin.close();
    const rest = await printedUpTo("end", readers[at]!);
    await readers[at]!.cancel();
    const { code } = await child.status;
    return `${seen[at]}${rest}code ${code}`;
  }));
  clearTimeout(timer);
  return ended;
}

Deno.test({
  name:
    "U3 a compiled program that embeds the package is also its member's children, and three of them are a cluster",
  // The runtime without tools, which compiling needs, may have to be downloaded.
  ignore: Deno.env.get("DENORT_BIN") === undefined,
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: "hql-compiled-" });
    const binary = `${folder}/program`;
    await t.step("alone", async () => {
      await compile(PROGRAM, binary);
      expect(await run(binary, []), /^http 200 /);
    });
    await t.step("three", async () => {
      await compile(MEMBER, binary);
      for (const said of await runThree(binary, folder)) {
        assert.deepEqual(
          said.split("\n").map((line) => line.replace(/ (200) .*/, " $1")),
          [
            'seen [{"id":1},{"id":2},{"id":3}]',
            "cache true",
            "iterate 10000",
            "/api/v1/query 200",
            "/dashboard/api/session 200",
            "ready to end",
            "end",
            "code 0",
          ],
        );
      }
    });
    await Deno.remove(folder, { recursive: true });
  },
});
