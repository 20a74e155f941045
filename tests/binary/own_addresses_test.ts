import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { beginnings, ownAddresses, ROOT } from "../../native/own_addresses.ts";

Deno.test("every module that a Worker begins with is a beginning of the compiled program", async () => {
  const found = beginnings(await ownAddresses());
  assert.equal(found[0], "cli.ts");
  const workers = filesOf("src").filter((path) => /_worker\.ts$/.test(path))
    .filter((path) =>
      filesOf(dirname(path)).some((other) =>
        read(other).includes(`new URL("./${path.split("/").at(-1)}"`)
      )
    );
  assert.ok(workers.length >= 7, `${workers}`);
  for (const path of [...workers, "src/state/sqlite/child.ts"]) {
    assert.ok(found.includes(path), path);
  }
});

Deno.test("every address that a module makes means a file that is there", async () => {
  for (const [address, path] of await ownAddresses()) {
    // What is built need not be.
    assert.ok(path === "dist" || existsSync(join(ROOT, path)), address);
  }
});

Deno.test("whoever starts a Worker makes its address as it is looked for", () => {
  const starting = filesOf("src").filter((path) =>
    /new Worker\(/.test(read(path))
  );
  assert.ok(starting.length >= 8, `${starting}`);
  for (const path of starting) {
    assert.match(
      read(path),
      /new URL\(\s*"\.\/\w+\.ts",\s*import\.meta\.url,?\s*\)|`data:/,
      path,
    );
  }
});

Deno.test("an address that would be lost where modules are put together is refused", async () => {
  const root = await Deno.makeTempDir({ prefix: "hiqlite-addresses-" });
  const write = async (path: string, code: string): Promise<void> => {
    await Deno.mkdir(join(root, dirname(path)), { recursive: true });
    await Deno.writeTextFile(join(root, path), code);
  };
  try {
    await write("cli.ts", "");
    await write("src/a/one.ts", 'new URL("./worker.ts", import.meta.url);');
    assert.deepEqual([...await ownAddresses(root)], [
      ["./worker.ts", "src/a/worker.ts"],
    ]);
    await write("src/b/two.ts", 'new URL("./worker.ts", import.meta.url);');
    await assert.rejects(ownAddresses(root), {
      message: /"\.\/worker\.ts" means src\/./,
    });
    await write("src/b/two.ts", "new URL(name, import.meta.url);");
    await assert.rejects(ownAddresses(root), { message: /^src\/b\/two\.ts/ });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

function read(path: string): string {
  return Deno.readTextFileSync(join(ROOT, path));
}

function filesOf(folder: string): string[] {
  return [...Deno.readDirSync(join(ROOT, folder))].flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory ? filesOf(path) : [path];
  });
}
