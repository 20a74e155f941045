// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { fileURLToPath } from "node:url";
import { CHROMIUM } from "./chromium.ts";

const USAGE =
  `Builds the dashboard's page and looks at it in a real browser, on three real members.

  --strict            fail where there is no Chromium
  --screenshots DIR   write a picture of every page there
  --renew-goldens     keep the pictures that pages are compared with anew: look at them before you commit them

All other arguments are those of "deno test".`;

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

Deno.exitCode = await main();

async function main(): Promise<number> {
  const given = [...Deno.args];
  if (given.includes("--help")) {
    console.log(USAGE);
    return 0;
  }
  const strict = takeFlag(given, "--strict");
  const screenshots = takeValue(given, "--screenshots");
  const renews = takeFlag(given, "--renew-goldens");
  if (!await exists(CHROMIUM)) {
    console.log(
      `left out: there is no ${CHROMIUM} (Debian: apt-get install chromium fonts-dejavu-core)`,
    );
    return strict ? 1 : 0;
  }
  const built = await deno(["task", "dashboard:build"]);
  if (built !== 0) return built;
  // Playwright asks the system for what Deno guards with all permissions at once.
  const tests = renews ? "tests/dashboard/goldens_test.ts" : "tests/dashboard";
  return await deno(["test", "--no-check", "-A", ...given, tests], {
    ...(renews ? { HQL_TEST_RENEW_GOLDENS: "1" } : {}),
    ...(screenshots === undefined ? {} : {
      HQL_TEST_SCREENSHOTS: await Deno.mkdir(screenshots, { recursive: true })
        .then(() => Deno.realPath(screenshots)),
    }),
  });
}

async function deno(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: { ...env },
  }).spawn().status;
  return code;
}

function takeFlag(args: string[], name: string): boolean {
  const at = args.indexOf(name);
  if (at >= 0) args.splice(at, 1);
  return at >= 0;
}

function takeValue(args: string[], name: string): string | undefined {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args.splice(at, 2)[1];
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
