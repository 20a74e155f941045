import { resolve } from "node:path";
import {
  describeFlags,
  type Flag,
  parseFlags,
  refuseArguments,
  UsageError,
} from "./arguments.ts";
import { connect } from "../client/remote.ts";
import { HiqliteError } from "../errors.ts";
import { dashboardLink } from "./dashboard_link.ts";
import { keptSecret, secretPath } from "../config/secrets.ts";
import type { NodeAddress } from "../config/types.ts";
import { ownCommand } from "../util/own_command.ts";
import { logFormatOf, type Terminal } from "./terminal.ts";

/** How long members may take to be ready, and to end, ms. */
const READY_MS_MAX = 60_000;
const END_MS_MAX = 20_000;

export const DEV_FLAGS: Readonly<Record<string, Flag>> = {
  nodes: { short: "n", value: "count", about: "Members, 1 to 7 [3]" },
  dir: { value: "path", about: "Where their data is kept [.cluster]" },
  port: {
    value: "port",
    about: "First Raft port; the APIs are 100 above [8101]",
  },
  help: { short: "h", about: "Show this" },
};

/** The help of `hiqlite dev`. */
export function devHelp(): string[] {
  return [
    "Usage: hiqlite dev [options]",
    "",
    "Runs a cluster of real processes on this machine and ends them on Ctrl-C.",
    "",
    "Options:",
    ...describeFlags(DEV_FLAGS),
    "",
    "HQL_* variables apply to every member, except for addresses, data and secrets.",
  ];
}

/** Runs a cluster on this machine until a signal stops it. */
export async function dev(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals } = parseFlags(args, DEV_FLAGS);
  refuseArguments(positionals);
  const number = (name: string, fallback: number, high: number): number => {
    const text = flags.get(name)?.[0];
    if (text === undefined) return fallback;
    const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (value >= 1 && value <= high) return value;
    throw new UsageError(`Option '--${name}' is a number from 1 to ${high}`);
  };
  const dir = resolve(flags.get("dir")?.[0] ?? ".cluster");
  const port = number("port", 8101, 65_000);
  const nodes = Array.from(
    { length: number("nodes", 3, 7) },
    (_, at): NodeAddress => ({
      id: at + 1,
      raft: `127.0.0.1:${port + at}`,
      api: `127.0.0.1:${port + 100 + at}`,
    }),
  );
  const members = nodes.map((node) =>
    new DevMember(node, nodes, dir, terminal)
  );
  const stopped = Promise.withResolvers<void>();
  const forget = terminal.onStop(() => stopped.resolve());
  const allEnded = Promise.all(members.map((member) => member.ended));
  try {
    if (await untilReady(nodes, members, dir, stopped.promise)) {
      const link = await dashboardLink(`http://${nodes[0]!.api}`, {
        secret: keptSecret("secret_api", dir),
        fetch,
        signal: AbortSignal.timeout(READY_MS_MAX),
      });
      for (const line of readyLines(nodes, members, dir, link)) {
        terminal.out(line);
      }
    }
    await Promise.race([stopped.promise, allEnded]);
  } finally {
    await Promise.all(members.map((member) => member.stop()));
    forget();
  }
  return 0;
}

/** Waits until every member is ready; false if it was stopped before. */
async function untilReady(
  nodes: readonly NodeAddress[],
  members: readonly DevMember[],
  dir: string,
  stopped: Promise<void>,
): Promise<boolean> {
  const stop = new AbortController();
  stopped.then(() => stop.abort());
  const failed = Promise.race(members.map(async (member) => {
    const code = await member.ended;
    throw new HiqliteError(
      "config",
      `Member ${member.id} ended with ${code} before it was ready; its lines above say why`,
    );
  }));
  const all = Promise.all(nodes.map(async ({ api }) => {
    await using client = connect({
      urls: [api],
      secret: keptSecret("secret_api", dir),
    });
    const deadline = performance.now() + READY_MS_MAX;
    while (!stop.signal.aborted && performance.now() < deadline) {
      const { ok } = await client.ready({ signal: stop.signal })
        .catch(() => ({ ok: false }));
      if (ok) return;
      await new Promise((resume) => setTimeout(resume, 100));
    }
    if (stop.signal.aborted) return;
    throw new HiqliteError(
      "timeout",
      `No member was ready on ${api} within ${
        READY_MS_MAX / 1000
      } s; the lines above say why`,
    );
  }));
  failed.catch(() => {});
  try {
    await Promise.race([all, failed]);
    return !stop.signal.aborted;
  } finally {
    stop.abort();
    await all.catch(() => {});
  }
}

/** A member in a process of its own, which ends when its standard input does. */
class DevMember {
  readonly id: number;
  readonly #process: Deno.ChildProcess;
  /** Its exit code, when it has ended. */
  readonly ended: Promise<string>;

  constructor(
    node: NodeAddress,
    nodes: readonly NodeAddress[],
    dir: string,
    terminal: Terminal,
  ) {
    this.id = node.id;
    const format = logFormatOf("auto", terminal);
    this.#process = new Deno.Command(ownCommand() ?? Deno.execPath(), {
      args: [
        ...ownProgram(dir),
        "serve",
        "--no-config-file",
        "--until-stdin-ends",
        `--node-id=${node.id}`,
        `--log-format=${format}`,
      ],
      env: {
        HQL_NODES: nodes.map(({ id, raft, api }) => `${id} ${raft} ${api}`)
          .join("\n"),
        HQL_DATA_DIR: `${dir}/${node.id}`,
        HQL_SECRET_RAFT: keptSecret("secret_raft", dir),
        HQL_SECRET_API: keptSecret("secret_api", dir),
      },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const prefix = `[${node.id}] `;
    const copied = [this.#process.stdout, this.#process.stderr].map((stream) =>
      copyLines(stream, (line) => terminal.error(prefix + line))
    );
    this.ended = Promise.all([this.#process.status, ...copied]).then(
      ([{ code, signal }]) => {
        const how = signal === null ? `code ${code}` : signal;
        terminal.error(`${prefix}ended with ${how}`);
        return how;
      },
    );
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Ends the member gracefully, or by force when that takes too long. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), END_MS_MAX);
    // It may have ended, and its pipe with it.
    await this.#process.stdin.close().catch(() => {});
    await this.ended;
    clearTimeout(timer);
  }
}

/** The arguments that make the running executable this program again. */
function ownProgram(dir: string): string[] {
  if (Deno.build.standalone) return [];
  const cli = new URL("../../cli.ts", import.meta.url);
  return [
    "run",
    "--no-prompt",
    "--quiet",
    // Else the runtime complains of the signal by which a lock's route sees that its client is gone.
    "--unstable-no-legacy-abort",
    "--allow-net=127.0.0.1",
    "--allow-read",
    `--allow-write=${dir}`,
    ...mayLoadLibraries() ? ["--allow-ffi"] : [],
    "--allow-env",
    "--allow-sys=hostname,uid,statfs,osRelease,setPriority",
    // The processes of its readers are this program again.
    `--allow-run=${Deno.execPath().replaceAll(",", ",,")}`,
    ...cli.protocol === "file:" ? [`--lock=${lockOf(cli)}`, "--frozen"] : [],
    cli.protocol === "file:" ? cli.pathname : cli.href,
  ];
}

/** What a member needs, without what only tests do: nothing else is downloaded. */
function lockOf(cli: URL): string {
  return new URL("./serve.lock", cli).pathname;
}

/** Members may do so if this process may: the permission is whole or none, so no task gives it. */
function mayLoadLibraries(): boolean {
  return Deno.permissions.querySync({ name: "ffi" }).state === "granted";
}

async function copyLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  write: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    lines.forEach(write);
  }
  if (rest !== "") write(rest);
}

function readyLines(
  nodes: readonly NodeAddress[],
  members: readonly DevMember[],
  dir: string,
  link: string,
): string[] {
  const secret = secretPath(dir, "secret_api");
  const call =
    `curl -H "X-API-SECRET: $(cat ${secret})" -H 'content-type: application/json'`;
  const url = (at: number): string => `http://${nodes[at % nodes.length]!.api}`;
  return [
    "",
    `The cluster is ready. Its data is in ${dir}, the API secret in ${secret}.`,
    ...nodes.map(({ id, api }, at) =>
      `  member ${id}: http://${api}   process ${members[at]!.pid}`
    ),
    "Write through any member, read from another:",
    `  ${call} ${
      url(0)
    }/api/v1/batch -d '{"sql":"CREATE TABLE IF NOT EXISTS note (text TEXT); INSERT INTO note VALUES ('\\''hello'\\'')"}'`,
    `  ${call} ${url(1)}/api/v1/query -d '{"sql":"SELECT * FROM note"}'`,
    "Look at it (signs in once, within a minute):",
    `  ${link}`,
    `Another such address: hiqlite open --url ${
      url(0)
    } --secret-file ${secret}`,
    "Kill one (kill -9 <process>) and go on with the others. Ctrl-C ends all.",
    "",
  ];
}
