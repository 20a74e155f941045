/** How a child's guard ends it, in the last line of its standard error. */
export const OVER_MEMORY = "hiqlite: over the memory limit";
/** As above: the disk would be full of its temporary files. */
export const OVER_DISK = "hiqlite: over the temporary space";

/** What a child may not exceed. */
export interface GuardLimits {
  /** The process that it must not outlive. */
  readonly parent: number;
  /** The folder whose disk its temporary files use. */
  readonly folder: string;
  /** Memory of the process in all, bytes. */
  readonly rssBytes: number;
  /** What must stay free on the disk, bytes, once the child has run; less was free before: then as much. */
  readonly freeBytes: number;
  /** Between two looks, ms. */
  readonly everyMs: number;
  readonly overMemory: string;
  readonly overDisk: string;
}

/**
 * Lets this process outlive neither its member nor its limits, whatever its main thread
 * does: a thread of its own looks, and kills the process. A supervisor's signals are for the member.
 */
export function guardChild(limits: GuardLimits): void {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    if (Deno.build.os === "windows" && signal === "SIGTERM") continue;
    Deno.addSignalListener(signal, () => {});
  }
  // As text, so that the thread needs no permission to read a module.
  const source = `(${watch})(${JSON.stringify(limits)})`;
  const url = `data:text/javascript,${encodeURIComponent(source)}`;
  new Worker(url, { type: "module" });
}

/** Runs in the guard's thread; it must use nothing of this module. */
async function watch(limits: GuardLimits): Promise<void> {
  const { statfsSync } = await import("node:fs");
  const free = (): number => {
    try {
      const { bavail, bsize } = statfsSync(limits.folder);
      return bavail * bsize;
    } catch {
      return Infinity;
    }
  };
  const end = (reason: string | null): void => {
    try {
      const line = new TextEncoder().encode(`${reason ?? ""}\n`);
      if (reason !== null) Deno.stderr.writeSync(line);
    } finally {
      Deno.kill(Deno.pid, "SIGKILL");
    }
  };
  const least = Math.min(limits.freeBytes, free() / 2);
  setInterval(() => {
    if (Deno.ppid !== limits.parent) end(null);
    if (Deno.memoryUsage().rss > limits.rssBytes) end(limits.overMemory);
    if (free() < least) end(limits.overDisk);
  }, limits.everyMs);
}
