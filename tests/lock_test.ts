import assert from "node:assert/strict";

/** The part of a lock file that says what is installed. */
interface Lock {
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: Readonly<Record<string, { readonly integrity: string }>>;
}

async function read<T>(name: string): Promise<T> {
  const url = new URL(`../${name}`, import.meta.url);
  return JSON.parse(await Deno.readTextFile(url)) as T;
}

Deno.test("serve.lock has what a member needs, as deno.lock has it, and nothing of the tests", async () => {
  const all = await read<Lock>("deno.lock");
  const serve = await read<Lock>("serve.lock");
  for (const [specifier, version] of Object.entries(serve.specifiers)) {
    assert.equal(all.specifiers[specifier], version, specifier);
  }
  for (const [name, { integrity }] of Object.entries(serve.npm)) {
    assert.equal(all.npm[name]?.integrity, integrity, name);
  }
  const wanted = Object.keys(serve.specifiers)
    .map((name) => /^npm:(.+)@/.exec(name)![1]);
  assert.deepEqual(wanted.sort(), [
    "@aws-sdk/client-s3",
    "@smithy/fetch-http-handler",
    "croner",
    "hash-wasm",
    "hono",
    "libsodium",
    "smol-toml",
  ]);
});

Deno.test("tasks that run a member take what is locked, and may run nothing but the runtime", async () => {
  const { tasks } = await read<{ tasks: Record<string, string> }>("deno.json");
  for (const name of ["start", "cluster"]) {
    const task = tasks[name]!;
    assert.match(task, / --frozen --lock=serve\.lock /, name);
    assert(task.includes(" --allow-run=$(deno eval -p 'Deno.execPath()') "));
  }
  // Of what is compiled everything was bundled before: nothing is resolved then.
  assert.match(tasks.compile!, / native\/pieces\.ts && .* --no-lock /);
  const pieces = await Deno.readTextFile(
    new URL("../native/pieces.ts", import.meta.url),
  );
  assert.match(pieces, /"bundle", .*"--frozen", "--lock=serve\.lock"/);
});
