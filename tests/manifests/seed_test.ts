// deno-lint-ignore-file no-console -- the figures of a run are worth seeing
import assert from "node:assert/strict";
import { poll } from "../cluster/harness.ts";
import type { MemberProcess } from "../cluster/member_process.ts";
import { NetnsNetwork } from "../cluster/netns.ts";
import { CONTAINERS, testNeeding } from "../cluster/requirements.ts";
import { type Pods, startPod } from "./pod.ts";
import { at, parseManifests, type Yaml } from "./yaml.ts";

/** Manifests that Hiqlite's README shows, to the letter. */
const TEXTS = new URL("./seed/", import.meta.url);
const [CONFIG] = manifests("config");
const [SECRET] = manifests("secrets");
const [, , MEMBERS] = manifests("sts");
const [, PROXY] = manifests("proxy");
const SECRETS = at(SECRET!, "stringData") as Record<string, string>;
const PROXIES = [4, 5];
const READY_MS = 60_000;

function manifests(name: string): Yaml[] {
  return parseManifests(
    Deno.readTextFileSync(new URL(`${name}.yaml.txt`, TEXTS)),
  );
}

/** The cluster and the proxies of the manifests. */
class Deployment implements AsyncDisposable {
  readonly #pods: Pods;
  readonly #running = new Map<number, MemberProcess>();
  readonly complaints: string[] = [];

  constructor(pods: Pods) {
    this.#pods = pods;
  }

  /** Starts the pod of an ordinal of the StatefulSet, on its volume. */
  async startMember(ordinal: number): Promise<void> {
    const volume = `${this.#pods.root}/volume-${ordinal}`;
    await Deno.mkdir(volume, { recursive: true });
    // As provisioners of local volumes make them.
    await Deno.chmod(volume, 0o777);
    const node = ordinal + 1;
    const name = `hiqlite-${ordinal}`;
    await this.#start(node, name, MEMBERS!, { "hiqlite-data": volume });
    await this.#isReady(node);
  }

  async startProxy(node: number): Promise<void> {
    await this.#start(node, `hiqlite-proxy-7c9f8d-x${node}`, PROXY!, {});
    await this.#isReady(node);
  }

  async #start(
    node: number,
    name: string,
    manifest: Yaml,
    mounts: Record<string, string>,
  ): Promise<void> {
    const { root } = this.#pods;
    const config = `${root}/config`;
    await Deno.writeTextFile(config, at(CONFIG!, "data", "config") as string);
    const pod = await startPod(this.#pods, {
      node,
      name,
      template: at(manifest, "spec", "template"),
      secrets: SECRETS,
      mounts: { "hiqlite-config": config, ...mounts },
    });
    this.#running.set(node, pod);
  }

  async #isReady(node: number): Promise<void> {
    const pod = this.#running.get(node)!;
    try {
      await poll(`pod ${node} to be ready`, READY_MS, async () => {
        assert.equal(pod.complaint, null);
        return (await this.ask(node, "/ready").catch(() => null))?.status ===
          200;
      });
    } catch (error) {
      throw new Error(`pod ${node} is not ready\n${await this.#logs()}`, {
        cause: error,
      });
    }
  }

  /** What a pod answers, its body read. */
  async ask(
    node: number,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`${this.#pods.network.apiUrl(node)}${path}`, {
      headers: {
        "x-api-secret": SECRETS.HQL_SECRET_API!,
        "content-type": "application/json",
      },
      ...(body === undefined
        ? {}
        : { method: "POST", body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  }

  /** Ends a pod as Kubernetes does. */
  async stop(node: number): Promise<void> {
    const pod = this.#running.get(node)!;
    await pod.terminate();
    if (pod.complaint !== null) this.complaints.push(pod.complaint);
    this.#running.delete(node);
  }

  async #logs(): Promise<string> {
    const logs: string[] = [];
    for await (const { name } of Deno.readDir(this.#pods.root)) {
      if (!name.endsWith(".log")) continue;
      const text = await Deno.readTextFile(`${this.#pods.root}/${name}`);
      logs.push(`${name}\n${text.slice(-4000)}`);
    }
    return logs.join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.keys()].map((node) => this.stop(node)));
  }
}

/** Runs with the folder and the network of all pods. */
async function withPods(run: (pods: Pods) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "hiqlite-" });
  try {
    await using network = await NetnsNetwork.create(5);
    const hosts = Object.fromEntries([1, 2, 3].map((node) => [
      `hiqlite-${node - 1}.hiqlite-headless`,
      new URL(network.apiUrl(node)).hostname,
    ]));
    await run({ network, root, hosts });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Writes and reads through the proxies until it is told to end; says what failed, and how much was written by whom. */
function loadOn(
  deployment: Deployment,
  ended: AbortSignal,
): Promise<{ readonly failures: string[]; readonly written: number[] }> {
  const failures: string[] = [];
  const expectOk = async (node: number, path: string, body: unknown) => {
    const answer = await deployment.ask(node, path, body).catch(String);
    if (typeof answer !== "string" && answer.status === 200) return;
    failures.push(JSON.stringify(answer));
  };
  const writers = PROXIES.map(async (node) => {
    let n = 0;
    for (; !ended.aborted; n++) {
      const params = [node, n];
      const sql = "INSERT INTO t VALUES (?, ?)";
      await expectOk(node, "/api/v1/execute", { sql, params });
    }
    return n;
  });
  const readers = PROXIES.map(async (node) => {
    const sql = "SELECT count(*) FROM t";
    const body = { sql, consistency: "linearizable" };
    while (!ended.aborted) await expectOk(node, "/api/v1/query", body);
  });
  return Promise.all([Promise.all(writers), ...readers])
    .then(([written]) => ({ failures, written }));
}

const containerTest = await testNeeding(CONTAINERS);

containerTest(
  "Hiqlite's manifests start as they are: three members by their host names, two proxies; a rolling restart costs a client no request",
  () =>
    withPods(async (pods) => {
      await using deployment = new Deployment(pods);
      const ordinals = [0, 1, 2];
      // All have to be there before one can be ready.
      await Promise.all([
        ...ordinals.map((ordinal) => deployment.startMember(ordinal)),
        ...PROXIES.map((node) => deployment.startProxy(node)),
      ]);
      for (
        const [nodes, manifest] of [[[1, 2, 3], MEMBERS], [PROXIES, PROXY]]
      ) {
        const probe = at(
          manifest as Yaml,
          ...["spec", "template", "spec", "containers", 0],
          ...["livenessProbe", "httpGet"],
        );
        assert.equal(at(probe, "port"), "8200");
        for (const node of nodes as number[]) {
          const path = at(probe, "path") as string;
          assert.equal((await deployment.ask(node, path)).status, 200);
        }
      }
      for (const node of [1, 2, 3]) {
        const { text } = await deployment.ask(node, "/api/v1/cluster");
        assert.equal(parseInt(JSON.parse(text).self), node);
        const log = await Deno.readTextFile(
          `${pods.root}/hiqlite-${node - 1}.log`,
        );
        assert.match(log, /"configuration read","path":"\/app\/config"/);
        // The volume has its data, so a pod that comes back is who it was.
        await Deno.stat(`${pods.root}/volume-${node - 1}/identity.json`);
      }
      const made = await deployment.ask(4, "/api/v1/execute", {
        sql: "CREATE TABLE t (proxy INTEGER, n INTEGER)",
      });
      assert.equal(made.status, 200, made.text);

      const ended = new AbortController();
      const load = loadOn(deployment, ended.signal);
      try {
        // As a StatefulSet does, the last one first.
        for (const ordinal of ordinals.toReversed()) {
          await deployment.stop(ordinal + 1);
          await deployment.startMember(ordinal);
        }
      } finally {
        ended.abort();
      }
      const { failures, written } = await load;
      console.log(`${written.join(" + ")} writes through two proxies`);
      assert.deepEqual(failures, []);
      assert.ok(written.every((n) => n > 0));
      const { text } = await deployment.ask(5, "/api/v1/query", {
        sql:
          "SELECT proxy, count(*), count(DISTINCT n) FROM t GROUP BY proxy ORDER BY proxy",
        consistency: "linearizable",
      });
      assert.deepEqual(
        JSON.parse(text).rows,
        PROXIES.map((node, at) => [node, written[at], written[at]]),
      );
      assert.deepEqual(deployment.complaints, []);
    }),
);
