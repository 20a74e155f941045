import assert from "node:assert/strict";
import { run } from "./fake_terminal.ts";

/** What bash offers for a line, by the script. */
async function offered(words: readonly string[]): Promise<string[]> {
  const { out } = await run(["completions", "bash"]);
  const line = words.map((word) => `'${word}'`).join(" ");
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: [
      "--norc",
      "-c",
      `${out}\nCOMP_WORDS=(hiqlite ${line}); COMP_CWORD=${words.length}; _hiqlite; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ],
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).split("\n").filter((one) =>
    one !== ""
  );
}

Deno.test({
  name: "bash completes commands, commands of commands, and options",
  ignore: Deno.build.os === "windows",
  async fn() {
    assert.deepEqual(await offered(["cl"]), ["cluster"]);
    assert.ok((await offered([""])).includes("generate-config"));
    assert.deepEqual(await offered(["cluster", "re"]), ["remove", "recover"]);
    assert.deepEqual(await offered(["serve", "--log-f"]), ["--log-format"]);
    assert.deepEqual(await offered(["nothing", "x"]), []);
  },
});

Deno.test("completions for zsh and fish name what the help does", async () => {
  const zsh = await run(["completions", "zsh"]);
  assert.match(zsh.out, /^#compdef hiqlite\n/);
  assert.match(zsh.out, /'promote:Make a learner a voter/);
  assert.match(zsh.out, /'--log-format\[\\\[text on a terminal/);
  const fish = await run(["completions", "fish"]);
  assert.match(
    fish.out,
    /complete -c hiqlite -n '__fish_seen_subcommand_from serve' -l config-file -s c -r -d '/,
  );
  const wrong = await run(["completions", "tcsh"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.error, /Expected bash, zsh or fish, got 'tcsh'/);
});
