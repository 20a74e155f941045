import { setTimeout as sleep } from "node:timers/promises";
import { isRunning, until } from "../state/sqlite/children.ts";

/** How to start a member. */
export interface MemberOptions {
  /** Program and arguments. */
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Everything it prints is added here. */
  readonly logPath: string;
}

/** Longest wait for a process to go after SIGTERM before it is killed, ms: it ends itself after 15 s at the latest. */
const GRACE_MS = 20_000;

/** A process is gone so long after SIGKILL, ms, whatever it waits for. */
const GONE_MS = 10_000;

/** One real process of a member, started and ended by its id. */
export class MemberProcess {
  readonly #child: Deno.ChildProcess;
  #running = true;
  #asked: "to go" | "to end well" | null = null;

  /** Starts it. */
  constructor(options: MemberOptions) {
    // The shell gives its process id to the member and its output to the file.
    this.#child = new Deno.Command("sh", {
      args: [
        "-c",
        'log=$1; shift; exec "$@" >>"$log" 2>&1',
        "sh",
        options.logPath,
        ...options.argv,
      ],
      env: { ...options.environment },
      // Its end, also by the death of this process, ends the member.
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.exited = this.#child.status.then(async (status) => {
      this.#running = false;
      this.#complaint = complaintOf(this.#asked, status);
      await this.#child.stdin.abort().catch(() => {});
      return status;
    });
  }

  #complaint: string | null = null;

  /** How it ended though nobody asked it to, or otherwise than it was asked to; else null. */
  get complaint(): string | null {
    return this.#complaint;
  }

  /** Settles when it has ended, however that came. */
  readonly exited: Promise<Deno.CommandStatus>;

  /** Its process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Whether it has not ended yet; a stopped process runs. */
  get running(): boolean {
    return this.#running;
  }

  /** SIGKILL, and wait until it is gone. */
  async kill(): Promise<void> {
    this.#asked = "to go";
    this.#kill("SIGKILL");
    await this.exited;
  }

  /**
   * SIGKILL to it and its children in one moment, as when a machine loses its power: none closes
   * its files. Waits until all are gone, and nobody holds a lock on what they had open.
   */
  async killWithChildren(): Promise<void> {
    this.#asked = "to go";
    const { pid } = this.#child;
    const script =
      `all="${pid} $(ps -o pid= --ppid ${pid})"; kill -9 $all; echo $all`;
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", script],
      stderr: "null",
    }).output();
    await this.exited;
    const pids = new TextDecoder().decode(stdout).trim().split(/\s+/);
    await until(() => !pids.some((each) => isRunning(Number(each))), GONE_MS);
  }

  /** SIGSTOP. */
  pause(): void {
    this.#kill("SIGSTOP");
  }

  /** SIGCONT. */
  resume(): void {
    this.#kill("SIGCONT");
  }

  /** SIGTERM, and wait; SIGKILL and false if it takes longer than 15 s. */
  async terminate(): Promise<boolean> {
    this.#asked ??= "to end well";
    this.#kill("SIGTERM");
    // A stopped process hears of it only when it goes on; systemd does the same.
    this.resume();
    const given = new AbortController();
    const late = sleep(GRACE_MS, true, { signal: given.signal })
      .catch(() => false);
    const timedOut = await Promise.race([this.exited.then(() => false), late]);
    given.abort();
    if (timedOut) await this.kill();
    return !timedOut;
  }

  #kill(signal: Deno.Signal): void {
    if (this.#running) this.#child.kill(signal);
  }
}

function complaintOf(
  asked: "to go" | "to end well" | null,
  { code, signal }: Deno.CommandStatus,
): string | null {
  const how = signal === null ? `code ${code}` : signal;
  if (asked === null) return `ended by itself with ${how}`;
  return asked === "to end well" && (code !== 0 || signal !== null)
    ? `ended with ${how} after SIGTERM`
    : null;
}
