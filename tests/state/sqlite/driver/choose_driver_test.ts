import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { LIBRARY } from "../../../../native/library.ts";
import { ConfigError } from "../../../../src/errors.ts";
import {
  chooseDriver,
  type DriverWish,
} from "../../../../src/state/sqlite/driver/choose_driver.ts";
import {
  LIBRARY_NAME,
  unpackLibrary,
} from "../../../../src/state/sqlite/driver/embedded_library.ts";
import { openDriver } from "../../../../src/state/sqlite/driver/open_driver.ts";
import { SQLITE_LIBRARY, testNeeding } from "../../../cluster/requirements.ts";

const ffiTest = await testNeeding(SQLITE_LIBRARY);
if (await SQLITE_LIBRARY.obstacle() === "") {
  openDriver({ kind: "ffi", library: LIBRARY });
}

const NODE = { spec: { kind: "node" }, notice: null };
const FOLDER = "/nowhere";

function refused(wish: Partial<DriverWish>, key: string, pattern: RegExp) {
  assert.throws(
    () =>
      chooseDriver({ driver: "auto", library: "", folder: FOLDER, ...wish }),
    (error) =>
      error instanceof ConfigError && error.key === key &&
      pattern.test(error.message),
  );
}

Deno.test("without a library auto is the runtime's SQLite, and ffi is refused", () => {
  for (const driver of ["auto", "node"] as const) {
    assert.deepEqual(
      chooseDriver({ driver, library: "", folder: FOLDER }),
      NODE,
    );
  }
  refused({ driver: "ffi" }, "sqlite_driver", /name one in sqlite_lib/);
});

Deno.test("a given library that cannot be loaded stops the start", () => {
  for (const driver of ["auto", "ffi"] as const) {
    const wish = { driver, library: "/nowhere/x.so" };
    refused({ ...wish, mayLoad: false }, "sqlite_lib", /with --allow-ffi/);
  }
  assert.deepEqual(
    chooseDriver({ driver: "node", library: "/nowhere/x.so", folder: FOLDER }),
    NODE,
  );
});

ffiTest(
  "a given library is used by auto and ffi; what is none stops the start",
  () => {
    for (const driver of ["auto", "ffi"] as const) {
      const wish = { driver, library: LIBRARY, folder: FOLDER };
      assert.deepEqual(chooseDriver(wish).spec, {
        kind: "ffi",
        library: LIBRARY,
      });
      refused(
        { driver, library: "/nowhere/x.so" },
        "sqlite_lib",
        /x\.so cannot/,
      );
    }
  },
);

Deno.test("an embedded library that cannot be used leaves auto with the runtime's, and says why", () => {
  const embedded = new Uint8Array([1]);
  const { spec, notice } = chooseDriver({
    driver: "auto",
    library: "",
    folder: FOLDER,
    embedded,
    mayLoad: false,
  });
  assert.deepEqual(spec, { kind: "node" });
  assert.match(notice!, /--allow-ffi/);
  refused({ driver: "ffi", embedded, mayLoad: false }, "sqlite_driver", /ffi/);
});

Deno.test("unpackLibrary() writes once, replaces what was changed, and removes others", async () => {
  const dir = await Deno.makeTempDir({ prefix: "hql-lib-" });
  try {
    const folder = join(dir, "lib");
    const library = new TextEncoder().encode("a library");
    const path = unpackLibrary(library, folder);
    assert.ok(path.endsWith(LIBRARY_NAME));
    assert.equal(fs.statSync(folder).mode & 0o777, 0o700);
    assert.equal(fs.statSync(path).mode & 0o777, 0o700);
    const { ino } = fs.statSync(path);
    assert.equal(unpackLibrary(library, folder), path);
    assert.equal(fs.statSync(path).ino, ino);
    fs.writeFileSync(path, "another");
    fs.writeFileSync(`${path}.new`, "half");
    unpackLibrary(library, folder);
    assert.deepEqual(new Uint8Array(fs.readFileSync(path)), library);
    // What another could write to is written anew, also behind a link.
    fs.chmodSync(path, 0o777);
    unpackLibrary(library, folder);
    assert.equal(fs.statSync(path).mode & 0o777, 0o700);
    fs.renameSync(path, join(dir, "elsewhere"));
    fs.symlinkSync(join(dir, "elsewhere"), path);
    unpackLibrary(library, folder);
    assert.ok(fs.lstatSync(path).isFile());
    const next = unpackLibrary(new TextEncoder().encode("newer"), folder);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), [
      next.slice(folder.length + 1),
    ]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
