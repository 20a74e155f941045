import { join } from "node:path";
import { ownCommand } from "../../../util/own_command.ts";

/** What a child does, as its first argument: the program of an embedder starts itself again as its child. */
export const CHILD_ROLES = {
  reader: "__hiqlite_reader",
  writer: "__hiqlite_writer",
} as const;

/** See {@linkcode CHILD_ROLES}. */
export type ChildRole = keyof typeof CHILD_ROLES;

const MIB = 1024 * 1024;

/** What a kind of child may use. */
export interface ChildLimits {
  /** The heap of JavaScript, MiB; of a compiled program's child only `rssBytes` holds. */
  readonly heapMiB: number;
  /** The heap of SQLite, bytes. */
  readonly sqliteBytes: number;
  /** Memory in all, bytes. */
  readonly rssBytes: number;
}

/** The limits of each kind. A row is in SQLite's heap and once more in JavaScript's memory. */
export const CHILD_LIMITS: Readonly<Record<ChildRole, ChildLimits>> = {
  reader: { heapMiB: 512, sqliteBytes: 256 * MIB, rssBytes: 1024 * MIB },
  writer: { heapMiB: 1024, sqliteBytes: 512 * MIB, rssBytes: 2048 * MIB },
};

/** What a child inherits: where its modules are cached, and nothing else. */
const INHERITED = [
  "DENO_DIR",
  "HOME",
  "XDG_CACHE_HOME",
  "LOCALAPPDATA",
  "USERPROFILE",
  "SystemRoot",
];

/** Whether this process may start children of its own kind. */
export function maySpawn(): boolean {
  return ownCommand() !== null;
}

/** Where the temporary files of a database in `folder` go. */
export function temporaryFolder(folder: string): string {
  return join(folder, "tmp");
}

/** Starts a child that may only touch the files in `folder`; its pipes are open. */
export function spawnChild(
  role: ChildRole,
  folder: string,
): Deno.ChildProcess {
  const scope = folder.replaceAll(",", ",,");
  const self = [CHILD_ROLES[role], `${Deno.pid}`, folder];
  const args = Deno.build.standalone ? self : [
    "run",
    "--quiet",
    "--no-check",
    "--no-config",
    "--no-lock",
    "--no-prompt",
    `--allow-read=${scope}`,
    `--allow-write=${scope}`,
    "--allow-sys=statfs",
    `--v8-flags=--max-old-space-size=${CHILD_LIMITS[role].heapMiB}`,
    new URL("../child.ts", import.meta.url).href,
    ...self,
  ];
  return new Deno.Command(ownCommand() ?? Deno.execPath(), {
    args,
    clearEnv: true,
    env: childEnvironment(folder),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

function childEnvironment(folder: string): Record<string, string> {
  const environment: Record<string, string> = {
    SQLITE_TMPDIR: temporaryFolder(folder),
    DENO_NO_UPDATE_CHECK: "1",
    NO_COLOR: "1",
  };
  for (const variable of INHERITED) {
    const { state } = Deno.permissions.querySync({ name: "env", variable });
    const value = state === "granted" ? Deno.env.get(variable) : undefined;
    if (value !== undefined) environment[variable] = value;
  }
  return environment;
}
