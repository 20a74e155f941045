import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/** A child process, as the system tells of it. */
export interface ChildSeen {
  readonly pid: number;
  readonly args: string;
}

/** What a program prints: the runtime lets nobody read `/proc` who may not do everything. */
export function printed(program: string, ...args: string[]): string {
  const { stdout } = new Deno.Command(program, { args, stderr: "null" })
    .outputSync();
  return new TextDecoder().decode(stdout);
}

/** The children of a process that do what `role` says. */
export function childrenOf(
  parent: number,
  role: "writer" | "reader",
): ChildSeen[] {
  const found: ChildSeen[] = [];
  const all = printed("ps", "-ww", "-eo", "pid=,ppid=,stat=,args=");
  for (const line of all.split("\n")) {
    const seen = /^ *(\d+) +(\d+) +(\S+) +(.*)$/.exec(line);
    if (seen === null || Number(seen[2]) !== parent) continue;
    const [, pid, , state, args] = seen;
    if (state!.startsWith("Z") || !args!.includes(`__hiqlite_${role}`)) {
      continue;
    }
    found.push({ pid: Number(pid), args: args! });
  }
  return found;
}

/** The child of this process that writes the database in the folder `dir`. */
export function writerOf({ dir }: { readonly dir: string }): number {
  const own = childrenOf(Deno.pid, "writer")
    .filter(({ args }) => args.includes(dir));
  assert.equal(own.length, 1);
  return own[0]!.pid;
}

/** Whether a process is there and runs. */
export function isRunning(pid: number): boolean {
  const state = printed("ps", "-o", "stat=", "-p", `${pid}`).trim();
  return state !== "" && !state.startsWith("Z");
}

/** Waits until `what` holds; fails after `ms`. */
export async function until(
  what: () => boolean | Promise<boolean>,
  ms: number,
): Promise<void> {
  const end = performance.now() + ms;
  while (!await what()) {
    if (performance.now() > end) throw new Error(`not after ${ms} ms: ${what}`);
    await sleep(20);
  }
}

/** A number of `/proc/PID/status`, in MiB. */
export function memoryOf(
  pid: number,
  field: "VmRSS" | "VmHWM" | "RssAnon",
): number {
  const status = printed("cat", `/proc/${pid}/status`);
  const found = new RegExp(`${field}:\\s+(\\d+) kB`).exec(status);
  return Number(found![1]) / 1024;
}

/** What it uses of memory, pages that processes share divided among them (`Pss`), MiB. */
export function proportionalOf(pid: number): number {
  const text = printed("cat", `/proc/${pid}/smaps_rollup`);
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)![1]) / 1024;
}

/** From here on the most memory that a process has used (`VmHWM`) is counted anew. */
export function forgetPeak(pid: number): void {
  const { success } = new Deno.Command("sh", {
    args: ["-c", `echo 5 > /proc/${pid}/clear_refs`],
  }).outputSync();
  assert.ok(success);
}

/** What it has used of a processor by itself, in hundredths of a second. */
export function cpuOf(pid: number): number {
  const stat = printed("cat", `/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[11]);
}

/** Children are looked for by `ps`, and what they use in `/proc`. */
export const SEES_CHILDREN = Deno.build.os === "linux";
