import { fileURLToPath } from "node:url";
import { LIBRARY } from "../../native/library.ts";
import { LIBRARY_NAME } from "../../src/state/sqlite/driver/embedded_library.ts";
import { attemptContainer } from "../manifests/pod.ts";
import { missingPrograms, packageOf } from "./command.ts";
import { LoopDisk } from "./loop_disk.ts";
import { NetnsNetwork } from "./netns.ts";
import { SmallDisk } from "./small_disk.ts";

/** Something that a fault or a test needs of the machine. */
export interface Requirement {
  /** What is there where it is met. */
  readonly name: string;
  /** Why it is not met here (each program that is missing with its Debian package, or what is not allowed); nothing if it is. */
  obstacle(): Promise<string>;
}

/** Where Debian's package `faketime` puts the library that moves wall clocks. */
export const FAKETIME =
  `/usr/lib/${Deno.build.arch}-linux-gnu/faketime/libfaketime.so.1`;

/** Tried once, since a machine does not change during a run. */
function requirement(
  name: string,
  programs: readonly string[],
  attempt: () => Promise<void>,
): Requirement {
  let answer: Promise<string> | undefined;
  const ask = async (): Promise<string> => {
    const missing = await missingPrograms(programs);
    if (missing.length > 0) {
      return missing.map((program) =>
        `${program} is not installed (Debian has it in ${packageOf(program)})`
      ).join(", ");
    }
    return await attempt().then(() => "", (error: Error) => error.message);
  };
  return { name, obstacle: () => answer ??= ask() };
}

/** Disks that lose their power. */
export const DISKS_WITH_POWER: Requirement = requirement(
  "disks whose power can be cut",
  ["mkfs.ext4", "xfs_io", "mount", "umount", "sync"],
  LoopDisk.attempt,
);

/** Disks that fill up. */
export const SMALL_DISKS: Requirement = requirement(
  "disks that can be full",
  ["mount", "umount"],
  SmallDisk.attempt,
);

/** Wall clocks that jump. */
export const FAKE_CLOCK: Requirement = requirement(
  "wall clocks that jump",
  [],
  () =>
    Deno.stat(FAKETIME).then(() => {}, () => {
      throw new Error(
        `${FAKETIME} is not there (Debian has it in libfaketime, which comes with faketime)`,
      );
    }),
);

/** A SQLite library to load. */
export const SQLITE_LIBRARY: Requirement = requirement(
  "a SQLite library to load",
  [],
  async () => {
    const shown = `dist/${LIBRARY_NAME}`;
    await Deno.stat(LIBRARY).catch(() => {
      throw new Error(`${shown} is not there (deno task sqlite builds it)`);
    });
    const { state } = await Deno.permissions.query({ name: "ffi" });
    if (state !== "granted") throw new Error(`${shown} needs --allow-ffi`);
  },
);

/** A network namespace for every member. */
export const NAMESPACES: Requirement = requirement(
  "network namespaces",
  ["ip", "nft", "nsenter"],
  NetnsNetwork.attempt,
);

/** Host names and files of one's own, as containers have them, beside networks. */
export const CONTAINERS: Requirement = requirement(
  "containers",
  ["ip", "nft", "nsenter", "unshare", "mount", "chroot"],
  async () => {
    await NetnsNetwork.attempt();
    await attemptContainer();
  },
);

/** Node, and what installs packages for it. */
export const NODE: Requirement = requirement(
  "Node.js with npm",
  ["node", "npm", "tar"],
  () => Promise.resolve(),
);

/** Prometheus' checker of rules. */
export const PROMTOOL: Requirement = requirement(
  "promtool",
  ["promtool"],
  () => Promise.resolve(),
);

/** Where `npm install --prefix dist/tools` puts programs that only tests need. */
const TOOLS = fileURLToPath(
  new URL("../../dist/tools/node_modules/.bin", import.meta.url),
);

/** A program that is installed in `dist/tools`, or else on the PATH. @throws {Error} if it is in neither. */
export async function toolPath(program: string): Promise<string> {
  const path = `${TOOLS}/${program}`;
  const here = await Deno.stat(path).then(() => true, () => false);
  if (here) return path;
  if ((await missingPrograms([program])).length === 0) return program;
  throw new Error(
    `${program} is not there (npm install --no-save --prefix dist/tools ${program})`,
  );
}

function tool(program: string, name: string): Requirement {
  return requirement(name, ["node", "npm", "tar"], async () => {
    await toolPath(program);
  });
}

/** Another runtime for the client. */
export const BUN: Requirement = tool("bun", "Bun");

/** What puts the client into one file for browsers. */
export const BUNDLER: Requirement = tool("esbuild", "a bundler");

/** What is left out of a run, and why. */
export interface LeftOut {
  readonly what: string;
  readonly reason: string;
}

/** Of those that need something of the machine: who can run, and the others by what stands against them. */
export async function sortOut<
  T extends {
    readonly name: string;
    readonly requires?: readonly Requirement[];
  },
>(
  all: readonly T[],
): Promise<{ readonly possible: T[]; readonly leftOut: LeftOut[] }> {
  const possible: T[] = [];
  const names = new Map<string, string[]>();
  for (const each of all) {
    const obstacles = await Promise.all(
      (each.requires ?? []).map((requirement) => requirement.obstacle()),
    );
    const reason = [...new Set(obstacles.filter((text) => text !== ""))]
      .join("; ");
    if (reason === "") possible.push(each);
    else names.set(reason, [...names.get(reason) ?? [], each.name]);
  }
  const leftOut = [...names].map(([reason, each]) => ({
    what: each.join(", "),
    reason,
  }));
  return { possible, leftOut };
}

/** A line for what is left out. */
export function formatLeftOut({ what, reason }: LeftOut): string {
  return `LEFT OUT ${what}: ${reason}`;
}

/** Registers tests that need something of the machine; where it is not there they are ignored, and their titles say why. */
export async function testNeeding(
  requirement: Requirement,
): Promise<(name: string, fn: () => void | Promise<void>) => void> {
  const obstacle = await requirement.obstacle();
  const reason = obstacle === "" ? "" : ` (not tested here: ${obstacle})`;
  return (name, fn) =>
    Deno.test({ name: `${name}${reason}`, ignore: obstacle !== "", fn });
}
