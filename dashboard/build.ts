// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
/** Builds the page into `dist/dashboard.json`, which the server imports. Fails when the page is over its budget. */
import { Buffer } from "node:buffer";
import { buildPage, type BuiltPage, sha256 } from "./build_page.ts";

/** Bytes that each part of the page may have, compressed by gzip. */
const BUDGETS = {
  "first paint": 60 * 1024,
  "charts": 25 * 1024,
  "editor": 145 * 1024,
  "all": 250 * 1024,
} as const;

/** Not in this folder: `deno publish` leaves out what lies beside another `deno.json`. */
const OUTPUT = new URL("../dist/dashboard.json", import.meta.url);

const page = await buildPage();
const { files } = page;
const version = (await sha256(JSON.stringify(files))).slice(0, 16);
await Deno.mkdir(new URL("./", OUTPUT), { recursive: true });
await Deno.writeTextFile(OUTPUT, JSON.stringify({ version, files }) + "\n");
checkBudgets(page);

/** @throws {Error} naming each part that is too large, or not there. */
function checkBudgets({ files, first }: BuiltPage): void {
  const size = (paths: readonly string[]): number =>
    paths.map((path) => Buffer.from(files[path]!.gz, "base64").length)
      .reduce((sum, length) => sum + length, 0);
  // A chunk has the name of the file that is imported when it is needed.
  const chunk = (name: string): string[] => {
    const paths = Object.keys(files)
      .filter((path) => path.startsWith(`assets/${name}-`));
    if (paths.length === 0) throw new Error(`No chunk is called "${name}"`);
    return paths;
  };
  const sizes: Readonly<Record<keyof typeof BUDGETS, number>> = {
    "first paint": size(first),
    "charts": size(chunk("chart")),
    "editor": size(chunk("editor")),
    "all": size(Object.keys(files)),
  };
  const over: string[] = [];
  for (const [part, bytes] of Object.entries(sizes)) {
    const budget = BUDGETS[part as keyof typeof BUDGETS];
    const line = `${part}: ${(bytes / 1024).toFixed(1)} KB of ${
      budget / 1024
    } KB (gzip)`;
    console.log(line);
    // A part that was not found would be within any budget.
    if (bytes > budget || bytes === 0) over.push(line);
  }
  if (over.length > 0) {
    throw new Error(`The page is not within its budget: ${over.join("; ")}`);
  }
}
