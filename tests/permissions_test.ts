import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { EMBEDDED_RIGHTS } from "./app/embedded_rights.ts";

const ROOT = new URL("../", import.meta.url);
const readme = Deno.readTextFileSync(new URL("README.md", ROOT));
const { tasks, lock } = JSON.parse(
  Deno.readTextFileSync(new URL("deno.json", ROOT)),
) as {
  tasks: Readonly<Record<string, string>>;
  lock: unknown;
};

/** What commands of Deno a task consists of; what it prints into its own line is one, too. */
function commandsOf(task: string): string[] {
  const inner = [...task.matchAll(/\$\((.+?)\) /g)].map(([, found]) => found!);
  const outer = task.replaceAll(/\$\(.+?\) /g, "$ ");
  return [...outer.split("&&"), ...inner].map((each) => each.trim());
}

/** The command of a task that starts a member, or makes a program that does: its last one. */
function startOf(task: string): string {
  const { length } = task.replaceAll(/\$\(.+?\) /g, "$ ").split("&&");
  return commandsOf(task)[length - 1]!;
}

/** A permission that a command gives: what it is limited to, `all`, or nothing. */
function given(command: string, name: string): string {
  const flag = new RegExp(` --allow-${name}(?:=(\\S+))?(?= |$)`).exec(command);
  return flag === null ? "–" : flag[1] ?? "all";
}

function cellsOf(row: string): string[] {
  return row.split("|").slice(1, -1)
    .map((cell) => cell.trim().replaceAll("`", ""));
}

Deno.test("L4 no task gives every permission, and none asks for one while it runs", () => {
  for (const [name, task] of Object.entries(tasks)) {
    for (const command of commandsOf(task)) {
      assert.doesNotMatch(command, / (-A|--allow-all|-P)\b/, name);
      if (!/^deno (run|compile)\b/.test(command)) continue;
      assert.match(command, / --no-prompt /, name);
    }
  }
});

Deno.test("L4 what the README says of the tasks' permissions is what they give", () => {
  const rows = readme.split("\n")
    .filter((line) => /^\| `deno task \w+` +\| .*\|$/.test(line))
    .map(cellsOf).filter((cells) => cells.length === 8);
  assert.deepEqual(
    rows.map(([command]) => command),
    ["deno task start", "deno task cluster", "deno task compile"],
  );
  for (const [command, net, read, write, sys, env, , ffi] of rows) {
    const task = startOf(tasks[command!.split(" ").at(-1)!]!);
    for (
      const [name, said] of Object.entries({ net, read, write, sys, env, ffi })
    ) {
      assert.equal(given(task!, name), said, `${command} ${name}`);
    }
  }
  for (const name of ["start", "cluster"]) {
    const [task] = commandsOf(tasks[name]!);
    assert.equal(given(task!, "run"), "$", name);
    assert.match(tasks[name]!, /--allow-run=\$\(deno eval -p 'Deno.execPath/);
  }
});

Deno.test({
  name: "L4 a compiled program may run itself, and nothing else",
  ignore: Deno.build.os !== "linux",
  fn() {
    const compile = startOf(tasks.compile!);
    assert.equal(given(compile, "run"), "–");
    assert.match(compile, /^deno compile .* \$ .* dist\/program\/cli\.js$/);
    const options = commandsOf(tasks.compile!).at(-1);
    const [, ...args] = options!.split(" ");
    const { stdout } = new Deno.Command(Deno.execPath(), {
      args,
      cwd: fileURLToPath(ROOT),
      stderr: "inherit",
    }).outputSync();
    assert.equal(
      given(
        ` ${new TextDecoder().decode(stdout)}`.replaceAll("\n", " "),
        "run",
      ),
      "/proc/self/exe",
    );
  },
});

Deno.test("the README's tasks are tasks, and its rights of an embedding program are those that are tested", () => {
  const named = [...readme.matchAll(/deno(?:@[\d.]+)? task ([\w:]+)/g)];
  assert.ok(named.length > 8);
  for (const [, name] of named) assert.ok(tasks[name!] !== undefined, name);
  assert.ok(
    readme.replaceAll("\n", " ").includes(
      "`--allow-read --allow-write --allow-net --allow-env --allow-sys`",
    ),
  );
  assert.deepEqual(
    EMBEDDED_RIGHTS,
    ["read", "write", "net", "env", "sys"].map((name) => `--allow-${name}`),
  );
});

const serveLock: { readonly npm: Readonly<Record<string, unknown>> } = JSON
  .parse(Deno.readTextFileSync(new URL("serve.lock", ROOT)));

Deno.test("L6 what a member, a program and a client load needs no package of the tests, and nothing changes a lock by itself", () => {
  assert.deepEqual(lock, { frozen: true });
  for (const entry of ["cli.ts", "mod.ts", "src/client/remote.ts"]) {
    const { stdout } = new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--lock=serve.lock", "--frozen", entry],
      cwd: fileURLToPath(ROOT),
      stderr: "inherit",
    }).outputSync();
    const { modules, npmPackages = {} } = JSON.parse(
      new TextDecoder().decode(stdout),
    ) as {
      modules: readonly { readonly specifier: string }[];
      npmPackages?: Readonly<Record<string, unknown>>;
    };
    const own = modules.filter(({ specifier }) =>
      specifier.startsWith("file:")
    );
    assert.ok(own.length > 10, entry);
    for (const { specifier } of own) {
      const path = specifier.slice(ROOT.href.length);
      assert.match(
        path,
        /^(src\/|cli\.ts|mod\.ts|deno\.json|dist\/dashboard\.json)/,
        specifier,
      );
    }
    for (const name of Object.keys(npmPackages)) {
      assert.ok(name in serveLock.npm, `${entry} loads ${name}`);
    }
  }
});
