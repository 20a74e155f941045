import assert from "node:assert/strict";

/** What is used of a run of a file. It is a browser's, whose types differ from those that tests are checked with. */
interface FileRun {
  readonly state: {
    readonly value: { readonly phase: string; readonly statements: number };
  };
  start(): Promise<void>;
}

const { ScriptRun } = await import(
  new URL("../../dashboard/sql/script_run.ts", import.meta.url).href
) as { readonly ScriptRun: new (file: Blob, mode: "each") => FileRun };

/** What a member answers to a write; null: nothing, and nobody knows what became of it. */
type Answer = { readonly status: number; readonly json: unknown } | null;

const DONE: Answer = {
  status: 200,
  json: { index: 5, results: [{ rows_affected: 1, last_insert_rowid: 1 }] },
};

function refusal(status: number, code: string, statement?: number): Answer {
  const error = { code, message: `It is ${code}`, statement };
  return { status, json: { error } };
}

/** Runs a file of one statement again and again until it is done, with these answers in their order; gives the keys of its writes. */
async function keysOf(answers: readonly Answer[]): Promise<string[]> {
  const keys: string[] = [];
  const original = globalThis.fetch;
  globalThis.fetch = (address, init) => {
    if (!`${address}`.endsWith("sql/write")) {
      return Promise.resolve(Response.json({ objects: [] }));
    }
    keys.push(new Headers(init!.headers).get("idempotency-key")!);
    const answer = answers[keys.length - 1];
    return answer === null || answer === undefined
      ? Promise.reject(new TypeError("the connection was lost"))
      : Promise.resolve(Response.json(answer.json, { status: answer.status }));
  };
  try {
    const run = new ScriptRun(new Blob(["INSERT INTO t VALUES (1);"]), "each");
    for (const _ of answers) await run.start();
    assert.equal(run.state.value.phase, "done");
    assert.equal(run.state.value.statements, 1);
    // The schema is read again behind each start.
    await new Promise((resolve) => setTimeout(resolve, 0));
  } finally {
    globalThis.fetch = original;
  }
  return keys;
}

for (
  const [what, early] of Object.entries({
    "that nobody leads": refusal(503, "no_leader"),
    "that the queues are full": refusal(429, "overloaded"),
    "that nobody is signed in": refusal(401, "unauthorized"),
    "that nothing may be written": refusal(403, "forbidden"),
    "that the member is stopping": refusal(503, "shutting_down"),
    "that its body came too late": refusal(408, "invalid"),
    "nothing once more": null,
  })
) {
  Deno.test(`a batch of which nobody knows whether it was applied keeps its key when the repetition is answered ${what}`, async () => {
    const keys = await keysOf([null, early, DONE]);
    assert.equal(keys.length, 3);
    assert.equal(new Set(keys).size, 1, keys.join());
  });
}

Deno.test("a batch that was refused has another key the next time, also when that was a repetition", async () => {
  for (
    const refused of [
      refusal(409, "constraint", 0),
      refusal(403, "forbidden", 0),
      refusal(409, "constraint"),
      refusal(504, "timeout"),
    ]
  ) {
    const [first, again, next] = await keysOf([null, refused, DONE]);
    assert.equal(first, again);
    assert.notEqual(again, next);
  }
});
