import { deepEqual, equal, ok } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { open } from "../../mod.ts";
import type { Client } from "../../src/client/remote.ts";
import { connect } from "../../src/client/remote.ts";
import type { LocalClient } from "../../src/client/local.ts";
import { ownLoopback } from "../ports.ts";
import { poll } from "./harness.ts";
import { LoopbackNetwork } from "./loopback.ts";
import { TcpProxy } from "./proxy.ts";

const SECRET = "secret-of-the-lost-answers";
const NODES = [1, 2, 3];
const HOST = ownLoopback();
/** Of each test. */
const ENTRIES = 300;
/** Adds through each client. */
const ADDS = 100;
/** Entries, or adds of one client, that are under way at the same time. */
const LANES = 10;
/** So many of the answers do not arrive. */
const LOST_PERCENT = 20;
/** So many must have been lost for a test to mean something. */
const LOST_MIN = 20;

/** Times that a follower is cut off, and what it has under way then. */
const ROUNDS = 6;
const KEYS = 50;

/** Three members of this process with proxies between them, one of them leads the caches. */
class Members implements AsyncDisposable {
  readonly network: LoopbackNetwork;
  readonly clients: LocalClient[] = [];
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
    this.network = new LoopbackNetwork({
      nodes: NODES.length,
      proxied: true,
      host: HOST,
      secret: SECRET,
    });
  }

  static async started(cacheStorageDisk: boolean): Promise<Members> {
    const members = new Members(await Deno.makeTempDir());
    try {
      members.clients.push(
        ...await Promise.all(NODES.map((node) =>
          open({
            nodeId: node,
            nodes: members.#addresses(node),
            listenAddrRaft: HOST,
            listenAddrApi: HOST,
            dataDir: `${members.#root}/${node}`,
            secretRaft: SECRET,
            secretApi: SECRET,
            cacheStorageDisk,
            readyTimeoutMs: 30_000,
          })
        )),
      );
      return members;
    } catch (error) {
      await members[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The members as one of them sees them. */
  #addresses(node: number) {
    return this.network.environment(node).HQL_NODES!.split("\n")
      .map((line) => {
        const [id, raft, api] = line.split(" ");
        return { id: Number(id), raft: raft!, api: api! };
      });
  }

  /** From now on answers between members get lost. */
  async loseAnswers(): Promise<void> {
    for (const from of NODES) {
      for (const to of NODES.filter((node) => node !== from)) {
        await this.network.disturb(from, to, {
          lostAnswersPercent: LOST_PERCENT,
        });
      }
    }
  }

  /** Who leads the caches. */
  async leader(): Promise<number> {
    let node: number | undefined;
    await poll("a leader of the caches", 60_000, async () => {
      const { groups } = await this.clients[0]!.cluster();
      const group = groups.find(({ name }) => name === "cache");
      node = group?.members.find(({ role }) => role === "leader")?.nodeId;
      return node !== undefined;
    });
    return node!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.network.heal();
    await Promise.all(this.clients.map((client) => client.shutdown()));
    await this.network[Symbol.asyncDispose]();
    await Deno.remove(this.#root, { recursive: true });
  }
}

/** Runs `work` for 0, 1, … with so many under way at the same time. */
async function inLanes(
  count: number,
  work: (n: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Each entry is asked for through every client at once: one gets it. */
async function oneWinnerEach(clients: readonly Client[]): Promise<void> {
  await inLanes(ENTRIES, async (n) => {
    const key = `k${n}`;
    const cacheOf = (client: Client) => client.cache<number>("slots");
    await cacheOf(clients[n % clients.length]!).put(key, n);
    const taken = await Promise.all(
      clients.map((client) => cacheOf(client).getRemove(key)),
    );
    const winners = taken.filter((value) => value !== undefined);
    deepEqual(winners, [n], `${key} was taken ${winners.length} times`);
  });
}

/** Adds through every client at once: each counts once, and each answer is another one. */
async function eachCountsOnce(clients: readonly Client[]): Promise<void> {
  const answers = new Set<unknown>();
  await Promise.all(clients.map((client) =>
    inLanes(ADDS, async () => {
      answers.add(await client.cache("counts").add("n"));
    })
  ));
  const total = clients.length * ADDS;
  equal(answers.size, total);
  equal(
    await clients[0]!.cache("counts").counter("n", {
      consistency: "linearizable",
    }),
    total,
  );
}

for (const disk of [false, true]) {
  const place = disk ? "on the disk" : "in memory";
  Deno.test(`kv.md §10 (6, 7) answers between members are lost, caches ${place}: one of three takes an entry, and an add counts once`, async () => {
    await using members = await Members.started(disk);
    await members.loseAnswers();
    await oneWinnerEach(members.clients);
    await eachCountsOnce(members.clients);
    const { lostAnswers } = members.network;
    ok(lostAnswers >= LOST_MIN, `${lostAnswers} answers were lost`);
  });
}

Deno.test("kv.md §10 (6, 7) answers to clients from afar are lost: one of three takes an entry, and an add counts once", async () => {
  await using members = await Members.started(false);
  await using stack = new AsyncDisposableStack();
  const clients = NODES.map((node) => {
    const { hostname, port } = new URL(members.network.apiUrl(node));
    const proxy = stack.use(new TcpProxy(Number(port), hostname));
    // A client has one request on a connection at a time, so what comes in is an answer, or its rest.
    proxy.disturb("dialed", { breakPercent: LOST_PERCENT });
    const client = connect({
      urls: [`http://${hostname}:${proxy.port}`],
      secret: SECRET,
      timeoutMs: 60_000,
    });
    stack.defer(() => client.shutdown());
    return client;
  });
  await oneWinnerEach(clients);
  await eachCountsOnce(clients);
});

Deno.test("kv.md §10 (6, 7) what the leader did is done although a follower hears nothing of it for a while, and not done again by the next one", async () => {
  await using members = await Members.started(false);
  const { clients, network } = members;
  for (let round = 0; round < ROUNDS; round++) {
    const leader = await members.leader();
    const follower = leader % NODES.length + 1;
    const cut = clients[follower - 1]!;
    const other = clients[follower % NODES.length]!;
    const keys = Array.from({ length: KEYS }, (_, n) => `${round}.${n}`);
    await Promise.all(keys.map((key) => other.cache("slots").put(key, key)));
    const asking = keys.map((key) => cut.cache("slots").getRemove(key));
    const adding = keys.map(() => cut.cache("counts").add("n"));
    // They are on their way; what comes back is held, the requests are not.
    await network.cut(leader, follower);
    const rivals = keys.map((key) => other.cache("slots").getRemove(key));
    // Longer than an election takes every other time, so that another leader is asked again.
    await sleep(round % 2 === 0 ? 50 : 2500);
    await network.heal();
    const mine = await Promise.all(asking);
    const theirs = await Promise.all(rivals);
    for (const [n, key] of keys.entries()) {
      const winners = [mine[n], theirs[n]].filter((one) => one !== undefined);
      deepEqual(winners, [key], `round ${round}`);
    }
    equal(new Set(await Promise.all(adding)).size, keys.length);
  }
  const counts = clients[0]!.cache("counts");
  const total = await counts.counter("n", { consistency: "linearizable" });
  equal(total, ROUNDS * KEYS);
});
