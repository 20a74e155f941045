import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MemberApi } from "./api.ts";
import { assertEqualContents, type Contents } from "./contents.ts";
import { LoopbackNetwork } from "./loopback.ts";
import { MemberProcess } from "./member_process.ts";
import type { Node, TestNetwork } from "./network.ts";
import { RAFT_SECRET } from "./proxy.ts";

/** Options of {@linkcode TestCluster.start}. */
export interface TestClusterOptions {
  /** @default {3} */
  readonly nodes?: number;
  /** Disposed with the cluster. @default {LoopbackNetwork} */
  readonly network?: TestNetwork;
  /** Added to the environment of every member. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Added to that of one. */
  environmentOf?(node: Node): Readonly<Record<string, string>>;
  /** Where data and logs go; removed with the cluster unless `keep`. @default a temporary folder */
  readonly root?: string;
  readonly keep?: boolean;
  /** Starts no member. */
  readonly idle?: boolean;
  /** Members may start processes of their own. @default {true} */
  readonly children?: boolean;
  /** Members run SQLite through this library. @default as `auto` finds it: the runtime's */
  readonly library?: string;
  /** Called before the first member starts. */
  readonly prepare?: (cluster: TestCluster) => Promise<void>;
}

/** What every member's API asks for. */
export const SECRET_API = "secret-of-the-test-api";
const POLL_MS = 50;
const READY_MS = 60_000;
const WRITE_MS = 60_000;

const CLI = new URL("../../cli.ts", import.meta.url);
const CONFIG = new URL("../../deno.json", import.meta.url);

/** A cluster of real processes on this machine. */
export class TestCluster implements AsyncDisposable {
  readonly nodes: readonly Node[];
  readonly network: TestNetwork;
  readonly root: string;
  readonly #options: TestClusterOptions;
  readonly #processes = new Map<Node, MemberProcess>();
  /** How members ended that should not have. */
  readonly complaints: string[] = [];
  readonly #apis: readonly MemberApi[];
  readonly #cleanups = new AsyncDisposableStack();
  readonly #extra = new Map<Node, Readonly<Record<string, string>>>();

  private constructor(options: TestClusterOptions, root: string) {
    const { nodes = 3 } = options;
    this.#options = options;
    this.root = root;
    this.nodes = Array.from({ length: nodes }, (_, i) => i + 1);
    this.network = options.network ?? new LoopbackNetwork({ nodes });
    this.#apis = this.nodes.map((node) =>
      new MemberApi({
        url: this.network.apiUrl(node),
        secret: SECRET_API,
      })
    );
  }

  /** Starts all members and waits until each says it is ready. */
  static async start(options: TestClusterOptions = {}): Promise<TestCluster> {
    const root = options.root ?? await Deno.makeTempDir({ prefix: "hiqlite-" });
    const cluster = new TestCluster(options, root);
    try {
      await options.prepare?.(cluster);
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    if (options.idle === true) return cluster;
    try {
      for (const node of cluster.nodes) await cluster.startMember(node);
      await cluster.waitReady();
      return cluster;
    } catch (error) {
      const tail = await cluster.logTails();
      await cluster[Symbol.asyncDispose]();
      throw new Error(`the cluster did not start\n${tail}`, { cause: error });
    }
  }

  /** A member's API, also while it is down. */
  api(node: Node): MemberApi {
    return this.#apis[node - 1]!;
  }

  /** The process of a member, if it was started and has not been killed. */
  process(node: Node): MemberProcess | undefined {
    const process = this.#processes.get(node);
    return process?.running ? process : undefined;
  }

  /** Where a member keeps its data. */
  dataDir(node: Node): string {
    return join(this.root, `data-${node}`);
  }

  /** Where a member's output goes. */
  logPath(node: Node): string {
    return join(this.root, `member-${node}.log`);
  }

  /** Runs at the end, when no process is left and the folders are still there. */
  defer(cleanup: () => Promise<void>): void {
    this.#cleanups.defer(cleanup);
  }

  /** Adds variables (such as a preloaded library's) to every later start of a member. */
  setEnvironment(node: Node, extra: Readonly<Record<string, string>>): void {
    this.#extra.set(node, extra);
  }

  /** Starts a member that is not running. */
  async startMember(node: Node): Promise<void> {
    if (this.process(node) !== undefined) return;
    await Deno.mkdir(this.dataDir(node), { recursive: true, mode: 0o700 });
    const argv = [
      Deno.execPath(),
      "run",
      "--no-prompt",
      "--cached-only",
      "--allow-net",
      "--allow-env",
      "--allow-sys",
      ...(this.#options.children === false ? [] : ["--allow-run"]),
      ...(this.#options.library === undefined ? [] : ["--allow-ffi"]),
      "--allow-read",
      "--allow-write",
      `--config=${CONFIG.pathname}`,
      CLI.pathname,
      "serve",
      "--no-config-file",
      "--log-format=json",
      "--until-stdin-ends",
    ];
    const process = new MemberProcess({
      argv: this.network.command(node, argv),
      environment: {
        ...this.network.environment(node),
        HQL_NODE_ID: `${node}`,
        HQL_DATA_DIR: this.dataDir(node),
        HQL_SECRET_API: SECRET_API,
        HQL_SECRET_RAFT: RAFT_SECRET,
        HQL_SQLITE_LIB: this.#options.library ?? "",
        ...this.#options.environment,
        ...this.#options.environmentOf?.(node),
        ...this.#extra.get(node),
      },
      logPath: this.logPath(node),
    });
    this.#processes.set(node, process);
    void process.exited.then(() => {
      const { complaint } = process;
      if (complaint !== null) {
        this.complaints.push(`member ${node} ${complaint}`);
      }
    });
  }

  /** Executes a statement that must succeed, asked of `node`; answers its index. */
  async write(node: Node, sql: string): Promise<number> {
    const answer = await this.api(node).execute({ sql }, {
      timeoutMs: WRITE_MS,
    });
    if (answer.type === "ok") return answer.value.index;
    throw new Error(`${sql} on ${node}: ${JSON.stringify(answer)}`);
  }

  /** SIGKILL. */
  async killMember(node: Node): Promise<void> {
    await this.#processes.get(node)?.kill();
  }

  /** SIGKILL to a member and its children in one moment: what comes before a power cut. */
  async killWithChildren(node: Node): Promise<void> {
    await this.#processes.get(node)?.killWithChildren();
  }

  /** The leader that a majority agrees on, asked within a second; undefined if there is none now. */
  async leader(): Promise<Node | undefined> {
    const votes = new Map<Node, number>();
    const answers = await Promise.all(
      this.nodes.filter((node) => this.process(node) !== undefined)
        .map((node) => this.api(node).cluster(1000)),
    );
    for (const answer of answers) {
      if (answer.type !== "ok") continue;
      const { members } = answer.value;
      const leader = members.find(({ role }) => role === "leader")?.node_id;
      if (leader !== undefined) votes.set(leader, (votes.get(leader) ?? 0) + 1);
    }
    const best = [...votes].sort((a, b) => b[1] - a[1])[0];
    const majority = Math.floor(this.nodes.length / 2) + 1;
    return best !== undefined && best[1] >= Math.min(majority, answers.length)
      ? best[0]
      : undefined;
  }

  /** Waits for a leader. @throws {Error} after `timeoutMs`. */
  async waitLeader(timeoutMs: number = READY_MS): Promise<Node> {
    let leader: Node | undefined;
    await poll("a leader", timeoutMs, async () => {
      leader = await this.leader();
      return leader !== undefined;
    });
    return leader!;
  }

  /** Waits until every given member answers `/ready`. @throws {Error} naming the ones that do not. */
  async waitReady(
    nodes: readonly Node[] = this.nodes,
    timeoutMs: number = READY_MS,
  ): Promise<void> {
    for (const node of nodes) {
      let why: string | null = null;
      const ready = async (): Promise<boolean> => {
        const process = this.#processes.get(node);
        if (process?.running === false) {
          throw new Error(`member ${node} ended while it should become ready`);
        }
        why = await this.api(node).whyNotReady(1000);
        return why === null;
      };
      const what = (): string => `member ${node} to be ready: ${why}`;
      await poll(what, timeoutMs, ready);
    }
  }

  /** Compares all tables of all members. Nobody may write meanwhile. */
  async assertEqualContents(): Promise<Contents> {
    let index = 0;
    await poll("a linearizable read", READY_MS, async () => {
      const answer = await this.api(this.nodes[0]!).query(
        { sql: "SELECT 1" },
        { consistency: "linearizable", timeoutMs: 20_000 },
      );
      if (answer.type === "ok") index = answer.value.index;
      return answer.type === "ok";
    });
    const members = this.nodes.map((node) => ({ node, api: this.api(node) }));
    return await assertEqualContents(members, index);
  }

  /** Everything a member has printed. */
  async log(node: Node): Promise<string> {
    return await Deno.readTextFile(this.logPath(node)).catch(() => "");
  }

  /** The last lines of every log. */
  async logTails(lines = 30): Promise<string> {
    const tails = this.nodes.map(async (node) => {
      const text = await this.log(node);
      const tail = text.trimEnd().split("\n").slice(-lines).join("\n");
      return `--- member ${node}\n${tail}`;
    });
    return (await Promise.all(tails)).join("\n");
  }

  /** Kills what still runs, and removes data and network. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [...this.#processes.values()].map((process) => process.kill()),
    );
    try {
      await this.#cleanups.disposeAsync();
    } finally {
      await this.network[Symbol.asyncDispose]();
    }
    if (this.#options.keep !== true) {
      await Deno.remove(this.root, { recursive: true });
    }
  }
}

/** Asks again every 50 ms until it is so. @throws {Error} saying what was waited for. */
export async function poll(
  what: string | (() => string),
  timeoutMs: number,
  condition: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!await condition()) {
    if (performance.now() > deadline) {
      const awaited = typeof what === "string" ? what : what();
      throw new Error(`waited ${timeoutMs} ms for ${awaited}`);
    }
    await sleep(POLL_MS);
  }
}
