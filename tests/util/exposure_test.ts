import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { exposureOf, findExposed } from "../../src/util/exposure.ts";

const ME = 1000;
const OTHER = 1001;

/** Owner, mode, and whether others could have written there, of a process that runs as the user 1000 or may not ask. */
const FOLDERS: readonly (readonly [number, number, boolean, boolean])[] = [
  [ME, 0o40700, false, false],
  [ME, 0o40755, false, false],
  [0, 0o40755, false, false],
  [0, 0o42755, false, false],
  [OTHER, 0o40700, true, false],
  [OTHER, 0o40755, true, false],
  [ME, 0o40770, true, true],
  [ME, 0o40777, true, true],
  [ME, 0o40702, true, true],
  // Files of others cannot be removed there, but new ones can be planted.
  [ME, 0o41777, true, true],
  [0, 0o42775, true, true],
];

Deno.test("a folder is exposed if it is somebody else's, or others may write to it", () => {
  for (const [uid, mode, exposed, unasked] of FOLDERS) {
    for (const [me, expected] of [[ME, exposed], [null, unasked]] as const) {
      const folder = { uid, mode, dev: 1 };
      const found = exposureOf("/data", folder, { ...folder, uid: 0 }, me);
      assert.equal(
        found !== null,
        expected,
        `${uid} ${mode.toString(8)} ${me}`,
      );
      if (found === null) continue;
      assert.equal(found.volume, false);
      assert.match(
        found.problem,
        new RegExp(
          `^others can write to it: it belongs to user ${uid} with mode ${
            (mode & 0o7777).toString(8)
          }\\. ch(own|mod) `,
        ),
      );
    }
  }
  const folder = { uid: ME, mode: 0o40777, dev: 1 };
  const mounted = exposureOf("/data", folder, { ...folder, dev: 2 }, ME);
  assert.equal(mounted?.volume, true);
  const given = { uid: 0, mode: 0o42775, dev: 1 };
  assert.equal(exposureOf("/data", given, { ...given, dev: 2 }, ME), null);
});

Deno.test({
  name:
    "what a folder is in the file system decides, whatever link leads to it",
  ignore: Deno.build.os === "windows",
  async fn() {
    const root = await Deno.makeTempDir();
    try {
      const dir = join(root, "data");
      fs.mkdirSync(dir, { mode: 0o700 });
      const link = join(root, "link");
      fs.symlinkSync(dir, link);
      assert.equal(findExposed(link), null);
      fs.chmodSync(dir, 0o777);
      for (const path of [dir, link, join(dir, ".")]) {
        const found = findExposed(path);
        assert.equal(found?.volume, false);
        assert.match(found!.problem, new RegExp(`chmod go-w ${dir},`));
      }
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});
