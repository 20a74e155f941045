// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import {
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Makes the client into a package for Node, Bun and browsers: `dist/npm/`, JavaScript with its types, and no dependencies. */
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const CLIENT = "src/client/remote.ts";
const OUTPUT = join(ROOT, "dist/npm");
const STAGE = join(ROOT, "dist/npm.stage");

rmSync(OUTPUT, { recursive: true, force: true });
rmSync(STAGE, { recursive: true, force: true });
const modules = await modulesOf(CLIENT);
for (const module of modules) {
  mkdirSync(dirname(join(STAGE, module)), { recursive: true });
  cpSync(join(ROOT, module), join(STAGE, module));
}
const { name, version, license, compilerOptions } = JSON.parse(
  readFileSync(join(ROOT, "deno.json"), "utf8"),
);
const exports = { ".": `./${CLIENT}`, "./client": `./${CLIENT}` };
writeFileSync(
  join(STAGE, "deno.json"),
  JSON.stringify({ name, version, license, compilerOptions, exports }),
);
await run(Deno.execPath(), [
  ...["pack", "--quiet", "--allow-dirty", "--no-source-maps"],
  ...["--output", "package.tgz"],
]);
await run("tar", ["-xzf", "package.tgz"]);
cpSync(join(STAGE, "package"), OUTPUT, { recursive: true });
for (const module of modules) declareDisposal(module);
const described = join(OUTPUT, "package.json");
writeFileSync(
  described,
  `${
    JSON.stringify(
      {
        ...JSON.parse(readFileSync(described, "utf8")),
        description: "A client for Hiqlite for Deno, a replicated SQLite",
        engines: { node: ">=20" },
        // In a browser nothing of Node's can be had, or bundled.
        browser: {
          "./src/client/node_fetch.js": false,
          "./src/tls/authority.js": false,
        },
        sideEffects: false,
      },
      null,
      2,
    )
  }\n`,
);
cpSync(join(ROOT, "LICENSE"), join(OUTPUT, "LICENSE"));
cpSync(join(ROOT, "npm/README.md"), join(OUTPUT, "README.md"));
rmSync(STAGE, { recursive: true });
console.log(`dist/npm: ${name} ${version}`);

/** `deno pack` leaves out of a class's types what has no plain name. */
function declareDisposal(module: string): void {
  const member = /^ {2}(?:async )?\[Symbol\.asyncDispose\]\(\): Promise<void>/m;
  if (!member.test(readFileSync(join(ROOT, module), "utf8"))) return;
  const types = join(OUTPUT, module.replace(/\.ts$/, ".d.ts"));
  const text = readFileSync(types, "utf8").trimEnd();
  if (!text.endsWith("\n}")) throw new Error(`${types} ends with no class`);
  writeFileSync(
    types,
    `${text.slice(0, -1)}  [Symbol.asyncDispose](): Promise<void>;\n}\n`,
  );
}

/** The modules that are needed at run time or for types, relative to the root. */
async function modulesOf(entry: string): Promise<string[]> {
  const text = await run(Deno.execPath(), ["info", "--json", entry], ROOT);
  const { modules } = JSON.parse(text) as {
    readonly modules: readonly { readonly local?: string }[];
  };
  return modules.flatMap(({ local }) =>
    local === undefined ? [] : [relative(ROOT, local)]
  );
}

/** What a command prints. @throws {Error} with what it complained of */
async function run(
  command: string,
  args: readonly string[],
  cwd = STAGE,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd,
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  if (success) return text(stdout);
  throw new Error(`${command} ${args.join(" ")} failed: ${text(stderr)}`);
}
