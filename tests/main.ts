// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import {
  BUN,
  BUNDLER,
  CONTAINERS,
  DISKS_WITH_POWER,
  formatLeftOut,
  NAMESPACES,
  NODE,
  PROMTOOL,
  SMALL_DISKS,
  sortOut,
  SQLITE_LIBRARY,
} from "./cluster/requirements.ts";

const USAGE =
  `Runs all tests, and says before and after what this machine cannot run.

  --strict   end before the run if there is any such test

All other arguments are those of "deno test".`;

/** Tests that need something of the machine, by what they show. */
const NEEDY = [
  {
    name:
      "power cuts (tests/cluster/power_cut_test.ts, tests/cluster/loop_disk_test.ts)",
    requires: [DISKS_WITH_POWER],
  },
  {
    name:
      "full disks (tests/cluster/full_disk_test.ts, one of tests/state/sqlite/full_test.ts)",
    requires: [SMALL_DISKS],
  },
  {
    name:
      "network namespaces (one of tests/cluster/requirements_test.ts, tests/proxy/login_test.ts)",
    requires: [NAMESPACES],
  },
  {
    name: "Kubernetes' manifests (tests/manifests/seed_test.ts)",
    requires: [CONTAINERS],
  },
  {
    name: "the client in Node (tests/npm/npm_test.ts)",
    requires: [NODE],
  },
  {
    name:
      "alerts as Prometheus runs them (one of tests/cli/generate/watching_test.ts)",
    requires: [PROMTOOL],
  },
  {
    name: "the client in Bun (tests/npm/npm_test.ts)",
    requires: [BUN],
  },
  {
    name: "the client bundled for browsers (tests/npm/bundle_test.ts)",
    requires: [BUNDLER],
  },
  {
    name: "the state machine on a library that is loaded (tests/state/sqlite)",
    requires: [SQLITE_LIBRARY],
  },
];

const ARGUMENTS = [
  "test",
  // A browser wants all permissions: `deno task test:dashboard` runs these.
  "--ignore=tests/dashboard",
  "--no-check",
  "--no-prompt",
  "--parallel",
  ...["read", "write", "env", "sys", "net", "run", "ffi"].map((p) =>
    `--allow-${p}`
  ),
];

Deno.exitCode = await main();

async function main(): Promise<number> {
  if (Deno.args.includes("--help")) {
    console.log(USAGE);
    return 0;
  }
  const lines = (await sortOut(NEEDY)).leftOut.map(formatLeftOut);
  for (const line of lines) console.log(line);
  if (lines.length > 0 && Deno.args.includes("--strict")) {
    console.log("ended before the run: --strict leaves nothing out");
    return 1;
  }
  const given = Deno.args.filter((each) => each !== "--strict");
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [...ARGUMENTS, ...given, "tests"],
  }).spawn().status;
  for (const line of lines) console.log(line);
  return code;
}
