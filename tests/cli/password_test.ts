import assert from "node:assert/strict";
import { HiddenInput } from "../../src/cli/hidden_input.ts";
import { verifyPassword } from "../../src/password/argon2.ts";
import { parsePasswordHash } from "../../src/password/password_hash.ts";
import { run } from "./fake_terminal.ts";

const TYPED = "correct horse battery";

Deno.test("password prints the hash of what is typed twice, or piped once, and nothing else", async () => {
  for (const [piped, typed] of [[[], [TYPED, TYPED]], [[TYPED], null]]) {
    const { code, out, error } = await run(["password"], {}, piped!, typed);
    assert.equal(code, 0, error);
    assert.ok(!(out + error).includes(TYPED));
    const hash = parsePasswordHash(out)!;
    assert.equal(await verifyPassword(TYPED, hash), true);
  }
});

Deno.test("password draws one if nothing is typed, and shows it once beside the hash", async () => {
  const ways: Parameters<typeof run>[] = [
    [["password"], {}, [], [""]],
    [["password"], {}, []],
    [["password", "--random"], {}, [], []],
  ];
  const drawn = new Set<string>();
  for (const way of ways) {
    const { code, out, error } = await run(...way);
    assert.equal(code, 0, error);
    const password = /Password: (\S{24}) {3}\(kept nowhere/.exec(error)![1]!;
    drawn.add(password);
    const hash = parsePasswordHash(out)!;
    assert.equal(await verifyPassword(password, hash), true);
  }
  assert.equal(drawn.size, ways.length);
});

Deno.test("password refuses what is short, not the same twice, or given up, without showing it", async () => {
  for (
    const [typed, message] of [
      [["elevenchars"], /has 11 characters: take 12 or more/],
      [[TYPED, `${TYPED}!`], /two passwords are not the same/],
      [[TYPED], /No password was given/],
      [[], /No password was given/],
    ] as [string[], RegExp][]
  ) {
    const { code, out, error } = await run(["password"], {}, [], [...typed]);
    assert.deepEqual([code, out], [1, ""]);
    assert.match(error, message);
    for (const text of typed) assert.ok(!error.includes(text));
  }
});

/** What is read of keys that come in these pieces, and what was shown and switched meanwhile. */
async function typing(
  pieces: readonly string[],
  lines: number,
): Promise<{ read: (string | null)[]; shown: string; raw: boolean[] }> {
  const left = pieces.map((piece) => new TextEncoder().encode(piece));
  let shown = "";
  const raw: boolean[] = [];
  const input = new HiddenInput({
    setRaw: (on) => raw.push(on),
    read: (into) => {
      const piece = left.shift();
      if (piece === undefined) return Promise.resolve(null);
      into.set(piece);
      return Promise.resolve(piece.length);
    },
  }, (text) => shown += text);
  const read: (string | null)[] = [];
  for (let line = 0; line < lines; line++) read.push(await input.line("? "));
  return { read, shown, raw };
}

Deno.test("a hidden line ends with Enter, is corrected by Backspace and Ctrl-U, and is never shown", async () => {
  const { read, shown, raw } = await typing(
    ["pä", "ß\x7f", "ss\r", "wrong\x15right\n"],
    2,
  );
  assert.deepEqual(read, ["päss", "right"]);
  assert.equal(shown, "? \n? \n");
  assert.deepEqual(raw, [true, false, true, false]);
});

Deno.test("a hidden line is what was typed ahead; Ctrl-C, Ctrl-D and the end give up", async () => {
  assert.deepEqual((await typing(["one\rtwo\r"], 3)).read, [
    "one",
    "two",
    null,
  ]);
  assert.deepEqual((await typing(["ab\x03c\r"], 1)).read, [null]);
  assert.deepEqual((await typing(["\x04"], 1)).read, [null]);
  // Not at the beginning of a line.
  assert.deepEqual((await typing(["a\x04b\r"], 1)).read, ["ab"]);
  assert.deepEqual((await typing(["\x7f\x7fa\r"], 1)).read, ["a"]);
  assert.deepEqual((await typing(["abc"], 1)).raw, [true, false]);
});
