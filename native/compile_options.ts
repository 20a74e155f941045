// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
/** Prints the options of `deno compile` that depend on the machine: what the program may run, which is itself, the library, if it was built, and what to leave out, since only type checks read it. */
import { LIBRARY_NAME } from "../src/state/sqlite/driver/embedded_library.ts";
import { LIBRARY } from "./library.ts";

const own = Deno.build.os === "linux"
  ? "--allow-run=/proc/self/exe"
  : "--allow-run";
const options = [own, ...await library(), ...await declarations()];
console.log(options.join(" "));

async function library(): Promise<string[]> {
  return await exists(LIBRARY) ? [`--include dist/${LIBRARY_NAME}`] : [];
}

/** Packages' folders of type declarations: half of what the S3 client has, and each file costs memory. */
async function declarations(): Promise<string[]> {
  const locked = ["--frozen", "--lock=serve.lock"];
  await deno("cache", "--quiet", "--no-check", ...locked, "cli.ts");
  const { npmCache } = JSON.parse(await deno("info", "--json"));
  const { npm } = JSON.parse(await Deno.readTextFile("serve.lock"));
  const folders: string[] = [];
  for await (const registry of Deno.readDir(npmCache)) {
    for (const key of Object.keys(npm)) {
      const [, name, version] = /^(.+)@([^@_]+)/.exec(key)!;
      const folder =
        `${npmCache}/${registry.name}/${name}/${version}/dist-types`;
      // The shell would take it apart.
      if (!/\s/.test(folder) && await exists(folder)) folders.push(folder);
    }
  }
  return folders.map((folder) => `--exclude=${folder}`);
}

async function deno(...args: string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args,
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`deno ${args.join(" ")} failed`);
  return new TextDecoder().decode(stdout);
}

async function exists(path: string | URL): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
