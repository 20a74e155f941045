import assert from "node:assert/strict";
import { run } from "./cli/fake_terminal.ts";
import { SETTINGS } from "../src/config/settings.ts";

const ROOT = new URL("../", import.meta.url);
const dockerfile = read("Dockerfile");
const ignored = read(".dockerignore").split("\n").filter((line) => line !== "");

function read(name: string): string {
  return Deno.readTextFileSync(new URL(name, ROOT));
}

/** Instructions of the last stage, as their words and the rest of their line. */
function finalStage(): (readonly [string, string])[] {
  const last = dockerfile.split(/^FROM /m).at(-1)!.replaceAll("\\\n", " ");
  return [...last.matchAll(/^([A-Z]+) +(.+)$/gm)]
    .map(([, word, rest]) => [word!, rest!]);
}

function only(word: string): string {
  const found = finalStage().filter(([each]) => each === word);
  assert.equal(found.length, 1, word);
  return found[0]![1];
}

Deno.test("the image is built by tasks, from files, that are there", () => {
  const { tasks } = JSON.parse(read("deno.json"));
  const named = [...dockerfile.matchAll(/deno task ([\w:]+)/g)];
  assert.deepEqual(
    named.map(([, name]) => name),
    ["dashboard:build", "sqlite", "compile"],
  );
  for (const [, name] of named) {
    assert.ok(tasks[name!], name);
    for (const [path] of tasks[name!].matchAll(/\b(?:\w+\/)+\w+\.ts\b/g)) {
      Deno.statSync(new URL(path, ROOT));
      assert.ok(!ignored.includes(path.split("/")[0]), path);
    }
  }
  assert.ok(tasks.compile.includes(" --output dist/hiqlite "));
  // The version that is tested.
  const [, version] = /FROM denoland\/deno:debian-(\S+) AS/.exec(dockerfile)!;
  assert.ok(read(".ci/run").includes(`deno@${version} `));
  assert.ok(!/COPY (?:--\S+ )*\.{0,2}\/*tests/.test(dockerfile));
  for (const secret of ["data", ".cluster", ".git"]) {
    assert.ok(ignored.includes(secret), secret);
  }
});

Deno.test("the image runs as nobody, keeps its data where manifests mount it, stops and is asked as members are", async () => {
  const user = only("USER");
  assert.match(user, /^(\d+):\1$/);
  assert.notEqual(user, "0:0");
  const workdir = only("WORKDIR");
  const volume = JSON.parse(only("VOLUME"));
  assert.deepEqual(volume, [`${workdir}/${SETTINGS.dataDir.fallback}`]);
  const { out } = await run(["generate", "k8s"]);
  assert.match(out, new RegExp(`runAsUser: ${user.split(":")[0]}$`, "m"));
  assert.match(out, new RegExp(`mountPath: ${volume[0]}$`, "m"));
  const seed = read("tests/manifests/seed/sts.yaml.txt");
  assert.match(seed, new RegExp(`mountPath: ${volume[0]}$`, "m"));
  assert.equal(only("STOPSIGNAL"), "SIGTERM");

  const [program] = JSON.parse(only("ENTRYPOINT"));
  const proxy = read("tests/manifests/seed/proxy.yaml.txt");
  const command = JSON.parse(/command: (\[.+\])/.exec(proxy)![1]!);
  assert.deepEqual(command, [program, "proxy"]);
  const [, asked] = /CMD (\[.+\])$/.exec(only("HEALTHCHECK"))!;
  for (const line of [only("CMD"), asked!]) {
    const [first, ...args] = JSON.parse(line);
    const words = first === program ? args : [first, ...args];
    assert.equal((await run([...words, "--help"])).code, 0, line);
  }
});
