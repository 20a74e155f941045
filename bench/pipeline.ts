/**
 * One process of the fixed-leader pipeline: the first is the leader, the others
 * append, sync and acknowledge, and apply too if told so. Started by `main.ts`.
 */
import { join } from "node:path";
import type { LogStore } from "../src/log/port.ts";
import { RealDisk } from "../src/log/real_disk.ts";
import { openSegmentLog } from "../src/log/segment_log.ts";
import { decodeFrame, encodeFrame, FrameKind } from "../src/network/frame.ts";
import { PeerLinks } from "../src/network/links.ts";
import { RaftListener } from "../src/network/listener/raft_listener.ts";
import { decodeMessage, encodeMessage } from "../src/network/raft_codec.ts";
import { Applier } from "../src/group/applier.ts";
import { PendingProposals } from "../src/group/proposals.ts";
import type { AppendEntries } from "../src/raft/messages.ts";
import { type MemberId, nodeIdOf, ZERO_LOG_ID } from "../src/raft/types.ts";
import type { StateMachine } from "../src/state/port.ts";
import type { CommandResult } from "../src/state/sql/types.ts";
import type { SqliteDriverSpec } from "../src/state/sqlite/driver/driver.ts";
import { openSqliteMachine } from "../src/state/sqlite/open_machine.ts";
import { silentLogger } from "../src/util/logger.ts";
import { serveCommands } from "./commands.ts";
import { drive, type Load, type Timing } from "./load.ts";
import { PipelineLeader, TERM } from "./pipeline_leader.ts";
import { CLEAR, CREATE, insert } from "./workload.ts";

/** What `main.ts` says first. */
export interface PipelineOptions {
  readonly node: number;
  /** Where the three listen, in the order of their ids. */
  readonly ports: readonly number[];
  readonly dir: string;
  /** Followers apply as the members of a cluster do. */
  readonly followersApply: boolean;
  readonly driver: SqliteDriverSpec;
}

const members = [1, 2, 3].map((id) => `${id}.00000000000000aa`);

let parts: {
  log: LogStore;
  machine: StateMachine;
  links: PeerLinks;
  listener: RaftListener;
} | null = null;
let leader: PipelineLeader | null = null;
let applier: Applier | null = null;
let everyLink = Promise.withResolvers<void>();
let echoed: (() => void) | null = null;

async function open(options: PipelineOptions): Promise<void> {
  const { node, ports, dir, driver } = options;
  const logs = join(dir, "logs");
  Deno.mkdirSync(logs, { recursive: true });
  const { log } = openSegmentLog(new RealDisk(logs), {
    segmentBytes: 2 * 1024 * 1024,
  });
  const { machine } = await openSqliteMachine({
    dir: join(dir, "state"),
    filename: "hiqlite.db",
    driver,
    readPoolSize: 1,
    statementCacheCapacity: 1000,
    logStatements: false,
    logger: silentLogger,
  });
  const address = (id: number): string => `127.0.0.1:${ports[id - 1]}`;
  const self = members[node - 1]!;
  let up = 0;
  everyLink = Promise.withResolvers();
  const links = new PeerLinks({
    self: {
      id: self,
      clusterId: "pipeline",
      raftAddress: address(node),
      apiAddress: address(node),
      level: 1,
      groups: [],
      engine: "",
    },
    secrets: ["the secret of this bench"],
    peers: [1, 2, 3].filter((id) => id !== node)
      .map((id) => ({ id, address: address(id) })),
    events: {
      frame: (from, _lane, bytes) => receive(from.id, bytes),
      linkUp: () => {
        if (++up === members.length - 1) everyLink.resolve();
      },
      linkDown: () => {},
    },
  });
  const listener = new RaftListener({
    at: { hostname: "127.0.0.1", port: ports[node - 1]! },
    logger: silentLogger,
    links,
    answer: () => null,
    failed: () => {},
    mayOpen: () => true,
  });
  links.start();
  parts = { log, machine, links, listener };
  if (node === 1) {
    const followers = members.slice(1);
    leader = new PipelineLeader({ self, followers, log, links, machine });
  } else if (options.followersApply) {
    applier = new Applier(log, machine, new PendingProposals(), {
      unheard: () => {},
      stuck: () => {},
      events: () => {},
      applied: () => {},
      machineFailed: fail,
      logFailed: fail,
      diverged: () => {},
      firstWanted: () => Infinity,
      linger: undefined,
    });
  }
}

function fail(error: Error): void {
  throw error;
}

function receive(from: MemberId, bytes: Uint8Array): void {
  const { kind, body } = decodeFrame(bytes);
  if (kind === FrameKind.request) return void send(from, body);
  if (kind === FrameKind.response) return echoed?.();
  const { message } = decodeMessage(bytes);
  if (message.type === "appendEntries") append(message);
  else if (message.type === "appendReply") {
    leader?.acknowledged(nodeIdOf(from), message.index);
  }
}

/** Answers a ping. */
function send(to: MemberId, body: Uint8Array): void {
  parts!.links.send(
    nodeIdOf(to),
    "control",
    encodeFrame(FrameKind.response, body.subarray(0, 8)),
  );
}

function append(message: AppendEntries): void {
  const { log, links } = parts!;
  const { entries, from, to } = message;
  let bytes = 0;
  for (const { payload } of entries) bytes += payload.length;
  if (!log.reserve(entries.length, bytes)) throw new Error("no room");
  log.append(entries);
  const index = entries.at(-1)!.index;
  log.sync((error) => {
    if (error !== null) throw error;
    const reply = encodeMessage(0, {
      type: "appendReply",
      from: to,
      to: from,
      term: TERM,
      ok: true,
      index,
      hint: ZERO_LOG_ID,
    });
    links.send(nodeIdOf(from), "control", reply);
    applier?.advance(index);
  });
}

async function execute(sql: string): Promise<void> {
  check(await leader!.write({ kind: "execute", statement: { sql } }));
}

function check(result: CommandResult): void {
  if (!result.ok) throw new Error(result.error.message);
}

async function singles(load: Load): Promise<Timing> {
  await execute(CLEAR);
  return await drive(load, async (n) => {
    check(await leader!.write({ kind: "execute", statement: insert(n) }));
  });
}

/** Round trips of a frame of so many bytes to a follower, whose answer is small. */
function echo({ bytes, calls }: { bytes: number; calls: number }) {
  const frame = encodeFrame(FrameKind.request, new Uint8Array(bytes));
  return drive(
    { concurrency: 1, ms: 10_000, calls },
    () =>
      new Promise<void>((resolve) => {
        echoed = resolve;
        parts!.links.send(2, bytes > 1024 ? "bulk" : "control", frame);
      }),
  );
}

await serveCommands({
  open,
  connect: () => everyLink.promise,
  create: async () => {
    await leader!.open();
    await execute(CREATE);
  },
  singles,
  echo,
  close: async () => {
    const { links, listener, machine, log } = parts!;
    await links.close();
    await listener.shutdown();
    await new Promise<void>((resolve) => machine.close(resolve));
    log.close();
  },
});
