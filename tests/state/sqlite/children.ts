import { setTimeout as sleep } from "node:timers/promises";

/** A child process, as the system tells of it. */
export interface ChildSeen {
  readonly pid: number;
  readonly args: string;
}

/** The children of a process that do what `role` says. */
export function childrenOf(
  parent: number,
  role: "writer" | "reader",
): ChildSeen[] {
  const found: ChildSeen[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
      const [state, ppid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(ppid) !== parent || state === "Z") continue;
      const args = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      if (!args.includes(`__hiqlite_${role}`)) continue;
      found.push({ pid: Number(name), args: args.replaceAll("\0", " ") });
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/** Whether a process is there and runs. */
export function isRunning(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
  } catch {
    return false;
  }
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
export function memoryOf(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const found = new RegExp(`${field}:\\s+(\\d+) kB`).exec(status);
  return Number(found![1]) / 1024;
}

/** What it has used of a processor by itself, in hundredths of a second. */
export function cpuOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[11]);
}

/** Children are looked for in `/proc`. */
export const SEES_CHILDREN = Deno.build.os === "linux";
