// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { missingPrograms } from "../cluster/command.ts";
import { S3_ACCESS } from "./access.ts";
import { Swift, SWIFT_PACKAGES, SWIFT_PROGRAMS } from "./swift.ts";

const USAGE =
  `Runs the tests that need a real S3 server, on OpenStack Swift from Debian's packages.
Needs root, since Swift wants its configuration in /etc.

  --serve    start the server, say where it is, and wait for Ctrl-C

All other arguments are those of "deno test".`;

const ARGUMENTS = [
  "test",
  "--no-check",
  "--no-prompt",
  ...["read", "write", "env", "sys", "net", "run", "ffi"].map((permission) =>
    `--allow-${permission}`
  ),
];

Deno.exitCode = await main();

async function main(): Promise<number> {
  if (Deno.args.includes("--help")) {
    console.log(USAGE);
    return 0;
  }
  const missing = await missingPrograms(SWIFT_PROGRAMS);
  if (missing.length > 0) {
    console.error(
      `${missing.join(", ")}: not installed; apt-get install ${SWIFT_PACKAGES}`,
    );
    return 1;
  }
  await using swift = await Swift.start();
  const access = JSON.stringify(swift.access);
  console.log(`Swift serves S3, processes ${swift.pids.join(", ")}: ${access}`);
  if (Deno.args.includes("--serve")) {
    await new Promise((resolve) =>
      Deno.addSignalListener("SIGINT", () => resolve(null))
    );
    return 0;
  }
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [...ARGUMENTS, ...Deno.args, "tests/s3"],
    env: { [S3_ACCESS]: access },
  }).spawn().status;
  return code;
}
