import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { replaceFile, replaceFileLater } from "../../src/util/durable_file.ts";

for (const replace of [replaceFile, replaceFileLater]) {
  Deno.test({
    name: `${replace.name}() follows no link that was planted in its way`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const root = await Deno.makeTempDir();
      try {
        const victim = join(root, "victim");
        fs.writeFileSync(victim, "victim's", { mode: 0o644 });
        const path = join(root, "secret");
        fs.symlinkSync(victim, `${path}.new`);
        fs.symlinkSync(victim, path);
        await replace(path, "mine");
        assert.equal(fs.readFileSync(victim, "utf8"), "victim's");
        const { mode } = fs.lstatSync(path);
        assert.equal(mode & 0o777, 0o600);
        assert.ok(fs.lstatSync(path).isFile());
        assert.equal(fs.readFileSync(path, "utf8"), "mine");
        // What a crash left there is in nobody's way, and its mode not kept.
        fs.writeFileSync(`${path}.new`, "half", { mode: 0o666 });
        await replace(path, "again");
        assert.equal(fs.readFileSync(path, "utf8"), "again");
        assert.equal(fs.lstatSync(path).mode & 0o777, 0o600);
        assert.ok(!fs.existsSync(`${path}.new`));
      } finally {
        await Deno.remove(root, { recursive: true });
      }
    },
  });
}
