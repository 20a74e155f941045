import assert from "node:assert/strict";

/** What is used of a run of a file. It is a browser's, whose types differ from those that tests are checked with. */
interface FileRun {
  readonly state: {
    readonly value: {
      readonly phase: string;
      readonly statements: number;
      readonly failure: {
        readonly statement: { readonly line: number } | null;
      } | null;
    };
  };
  start(): Promise<void>;
  skip(): Promise<void>;
}

const { ScriptRun } = await import(
  new URL("../../dashboard/sql/script_run.ts", import.meta.url).href
) as { readonly ScriptRun: new (file: File, mode: "each") => FileRun };

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

/** Has `work` done while writes are answered like this. */
async function answered(
  answer: (statements: string[], key: string) => Answer | undefined,
  work: () => Promise<void>,
): Promise<void> {
  const original = globalThis.fetch;
  globalThis.fetch = (address, init) => {
    if (!`${address}`.includes("sql/write?run=")) {
      return Promise.resolve(Response.json({ objects: [] }));
    }
    const { statements } = JSON.parse(init!.body as string) as {
      readonly statements: { readonly sql: string }[];
    };
    const told = answer(
      statements.map(({ sql }) => sql),
      new Headers(init!.headers).get("idempotency-key")!,
    );
    return told === null || told === undefined
      ? Promise.reject(new TypeError("the connection was lost"))
      : Promise.resolve(Response.json(told.json, { status: told.status }));
  };
  try {
    await work();
    // The schema is read again behind each run.
    await new Promise((resolve) => setTimeout(resolve, 0));
  } finally {
    globalThis.fetch = original;
  }
}

/** Runs a file of one statement again and again until it is done, with these answers in their order; gives the keys of its writes. */
async function keysOf(answers: readonly Answer[]): Promise<string[]> {
  const keys: string[] = [];
  await answered(
    (_, key) => answers[keys.push(key) - 1],
    async () => {
      const run = new ScriptRun(
        new File(["INSERT INTO t VALUES (1);"], "t.sql"),
        "each",
      );
      for (const _ of answers) await run.start();
      assert.equal(run.state.value.phase, "done");
      assert.equal(run.state.value.statements, 1);
    },
  );
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

const TEN = Array.from(
  { length: 10 },
  (_, at) => `INSERT INTO t VALUES (${at});`,
);

for (const code of ["invalid", "constraint"]) {
  Deno.test(`where a batch is refused as ${code} and no statement is named, what comes before the wrong one is applied, and it can be passed over`, async () => {
    const applied: string[] = [];
    await answered((statements) => {
      if (statements.includes(TEN[6]!)) return refusal(409, code);
      applied.push(...statements);
      return DONE;
    }, async () => {
      const run = new ScriptRun(new File([TEN.join("\n")], "t.sql"), "each");
      await run.start();
      assert.equal(run.state.value.failure?.statement?.line, 7);
      assert.deepEqual(applied, TEN.slice(0, 6));
      await run.skip();
      assert.equal(run.state.value.phase, "done");
      assert.deepEqual(applied, TEN.toSpliced(6, 1));
    });
  });
}

Deno.test("what is no statement's fault is said of none, also where there is only one", async () => {
  for (
    const answer of [refusal(401, "unauthorized"), refusal(503, "no_leader")]
  ) {
    await answered(() => answer, async () => {
      const run = new ScriptRun(new File([TEN[0]!], "t.sql"), "each");
      await run.start();
      assert.equal(run.state.value.phase, "stopped");
      assert.equal(run.state.value.failure?.statement, null);
    });
  }
});
