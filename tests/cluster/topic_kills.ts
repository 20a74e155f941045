import assert from "node:assert/strict";
import { topicMessageOf } from "../../src/api/topics.ts";
import { parseServerEvents } from "../../src/client/server_events.ts";
import { type Client, connect } from "../../src/client/remote.ts";
import { HiqliteError } from "../../src/errors.ts";
import { randomBetween, SeededRandom } from "../../src/util/random.ts";
import { poll, SECRET_API, type TestCluster } from "./harness.ts";

/** Options of {@linkcode notifyUnderKills}. */
export interface TopicKillsOptions {
  readonly cluster: TestCluster;
  /** Events that are published, three in every second entry. */
  readonly notifications: number;
  /** Times that the leader is killed. */
  readonly kills: number;
  /** Times that the wandering listener goes to another member. */
  readonly changes: number;
  readonly seed: number;
}

/** What listeners heard. */
export interface TopicKillsReport {
  readonly published: number;
  /** Events of writes of which nobody knows whether they were applied. */
  readonly unknown: number;
  readonly changes: number;
  /** Changes in the middle of an entry's events. */
  readonly cuts: number;
  readonly seconds: number;
}

const WRITERS = 8;
const TOPIC = "kills";
const END = "end";
const LIMIT_MS = 180_000;

/** An event as a listener heard it. */
interface Heard {
  readonly id: string;
  readonly data: string;
}

/**
 * Publishes while leaders are killed, with a listener at each member and one that goes from member to member
 * with the id of what it heard last; each must hear every event once, in one order.
 */
export async function notifyUnderKills(
  options: TopicKillsOptions,
): Promise<TopicKillsReport> {
  const { cluster, kills } = options;
  const begun = performance.now();
  const ended = new AbortController();
  const everywhere = clientOf(cluster, cluster.nodes);
  const clients = cluster.nodes.map((node) => clientOf(cluster, [node]));
  const wanderer = new Wanderer(cluster, options, ended.signal);
  try {
    const listeners = await Promise.all(clients.map(listen));
    const hearing = listeners.map((hear) => hear());
    await wanderer.begin();
    const wandering = wanderer.run();
    const ledger = new Ledger(options.notifications);
    const writing = Promise.all(
      Array.from({ length: WRITERS }, (_, w) => write(everywhere, w, ledger)),
    );
    // Whatever else fails first is to be told: writers then only hear that their client has gone.
    writing.catch(() => {});
    for (let kill = 1; kill <= kills; kill++) {
      await poll(
        `event ${kill * options.notifications / (kills + 1)}`,
        LIMIT_MS,
        () =>
          Promise.resolve(
            ledger.begun >= kill * options.notifications / (kills + 1),
          ),
      );
      const leader = await cluster.waitLeader();
      await cluster.killMember(leader);
      await cluster.waitLeader();
      await cluster.startMember(leader);
      await cluster.waitReady([leader], LIMIT_MS);
    }
    await writing;
    await wanderer.enough();
    await everywhere.notify(TOPIC, END);
    const lists = [...await Promise.all(hearing), await wandering];
    for (const heard of lists) ledger.check(heard, lists[0]!);
    return {
      published: ledger.published,
      unknown: ledger.unknown.size,
      changes: wanderer.changes,
      cuts: wanderer.cuts,
      seconds: (performance.now() - begun) / 1000,
    };
  } finally {
    ended.abort();
    await Promise.all([everywhere, ...clients].map((one) => one.shutdown()));
  }
}

function clientOf(cluster: TestCluster, nodes: readonly number[]): Client {
  return connect({
    urls: nodes.map((node) => cluster.network.apiUrl(node)),
    secret: SECRET_API,
    timeoutMs: LIMIT_MS,
  });
}

/** Listens from now on; in a list of its own, since the promise is to be awaited later. */
async function listen(client: Client): Promise<() => Promise<Heard[]>> {
  const stream = client.listen({ topics: [TOPIC] });
  await stream.started();
  return async () => {
    const heard: Heard[] = [];
    for await (const update of stream) {
      assert.equal(update.kind, "event");
      if (update.data === END) break;
      heard.push({ id: update.id, data: `${update.data}` });
    }
    return heard;
  };
}

async function write(
  client: Client,
  writer: number,
  ledger: Ledger,
): Promise<void> {
  for (let turn = 0; ledger.wanted; turn++) {
    const data = Array.from(
      { length: turn % 2 === 0 ? 1 : 3 },
      (_, at) => `${writer}.${turn}.${at}`,
    );
    ledger.begin(data);
    try {
      if (data.length === 1) await client.notify(TOPIC, data[0]!);
      else {
        const notify = data.map((one) => ({ topic: TOPIC, data: one }));
        await client.txn(["SELECT 1"], { notify });
      }
      ledger.acknowledge(data);
    } catch (error) {
      if (!(error instanceof HiqliteError)) throw error;
      assert.equal(error.code, "outcome_unknown", error.message);
      ledger.doubt(data);
    }
  }
}

/** What was published, and what is to be heard. */
class Ledger {
  readonly #notifications: number;
  readonly #known = new Set<string>();
  readonly unknown = new Set<string>();
  begun = 0;

  constructor(notifications: number) {
    this.#notifications = notifications;
  }

  get wanted(): boolean {
    return this.begun < this.#notifications;
  }

  get published(): number {
    return this.#known.size;
  }

  begin(data: readonly string[]): void {
    this.begun += data.length;
  }

  acknowledge(data: readonly string[]): void {
    for (const one of data) this.#known.add(one);
  }

  doubt(data: readonly string[]): void {
    for (const one of data) this.unknown.add(one);
  }

  /** Each event once, in the order of the first list, and those of one entry together. */
  check(heard: readonly Heard[], first: readonly Heard[]): void {
    assert.deepEqual(heard, first);
    const data = heard.map((one) => one.data);
    const distinct = new Set(data);
    assert.equal(distinct.size, data.length, "an event was heard twice");
    for (const one of this.#known) assert.ok(distinct.has(one), `lost ${one}`);
    for (const one of distinct) {
      assert.ok(
        this.#known.has(one) || this.unknown.has(one),
        `who said ${one}?`,
      );
    }
    const places = heard.map(({ id }) => id.split("-").slice(1).map(Number));
    for (const [at, [index, number]] of places.entries()) {
      const [before, last] = places[at - 1] ?? [0, number! - 1];
      assert.equal(number, last! + 1, "a gap in the numbers");
      const sameEntry = Number(data[at]!.split(".")[2]) > 0;
      assert.ok(sameEntry ? index === before : index! > before!, heard[at]!.id);
    }
  }
}

/** Reads a few events at one member and goes on at the next. */
class Wanderer {
  readonly #cluster: TestCluster;
  readonly #options: TopicKillsOptions;
  readonly #random: SeededRandom;
  readonly #signal: AbortSignal;
  readonly #heard: Heard[] = [];
  #since = "";
  #over = false;
  changes = 0;
  cuts = 0;

  constructor(
    cluster: TestCluster,
    options: TopicKillsOptions,
    signal: AbortSignal,
  ) {
    this.#cluster = cluster;
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#signal = signal;
  }

  /** Until it has a place to go on from. */
  begin(): Promise<void> {
    return this.#visit(1, 0);
  }

  /** Until it has changed often enough. */
  enough(): Promise<void> {
    return poll(
      "enough changes",
      LIMIT_MS,
      () => Promise.resolve(this.changes >= this.#options.changes),
    );
  }

  async run(): Promise<Heard[]> {
    for (let visit = 0; !this.#over && !this.#signal.aborted; visit++) {
      const node = 1 + visit % this.#cluster.nodes.length;
      const most = Math.ceil(
        1.5 * this.#options.notifications / this.#options.changes,
      );
      await this.#visit(node, randomBetween(this.#random, 1, most));
    }
    return this.#heard;
  }

  /** Hears so many events of one member, if it is there; with 0, only where it is. */
  async #visit(node: number, count: number): Promise<void> {
    const cut = new AbortController();
    const late = setTimeout(() => cut.abort(), 500);
    let heard = 0;
    try {
      const url = this.#cluster.network.apiUrl(node);
      const signal = AbortSignal.any([cut.signal, this.#signal]);
      const response = await fetch(`${url}/api/v1/listen?topics=${TOPIC}`, {
        headers: {
          "x-api-secret": SECRET_API,
          ...(this.#since === "" ? {} : { "last-event-id": this.#since }),
        },
        signal,
      });
      if (!response.ok) return void await response.body?.cancel();
      // The runtime forgets a fetch's own signal once nobody holds its response, and its body would never end.
      const body = response.body!
        .pipeThrough(new TransformStream<Uint8Array>(), { signal });
      for await (const event of parseServerEvents(body)) {
        const message = topicMessageOf(event);
        this.#since = message.id;
        assert.ok(
          message.kind === "event" || message.kind === "place",
          message.kind,
        );
        if (message.kind === "place") {
          if (count === 0) return;
          continue;
        }
        const data = new TextDecoder().decode(message.data.bytes);
        if (data === END) return void (this.#over = true);
        this.#heard.push({ id: message.id, data });
        if (++heard === count) break;
      }
    } catch (error) {
      // Killed, or cut off by ourselves.
      if (error instanceof assert.AssertionError) throw error;
    } finally {
      clearTimeout(late);
      cut.abort();
    }
    if (heard === 0) return;
    this.changes++;
    const [, turn, at] = this.#heard.at(-1)!.data.split(".").map(Number);
    if (turn! % 2 === 1 && at! < 2) this.cuts++;
  }
}
