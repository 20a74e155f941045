import { type Client, connect } from "../../src/client/remote.ts";
import { SECRET_API, type TestCluster } from "./harness.ts";
import type { Node } from "./network.ts";

/** Clients of a test cluster, to be disposed of before it. */
export class LockClients implements AsyncDisposable {
  readonly #cluster: TestCluster;
  readonly #clients: Client[] = [];

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  /** A client that knows these members alone. */
  of(...nodes: Node[]): Client {
    const client = connect({
      urls: nodes.map((node) => this.#cluster.network.apiUrl(node)),
      secret: SECRET_API,
      owner: `of ${nodes.join(" and ")}`,
    });
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.shutdown()));
  }
}

/** How many wait for a lock, as everybody must agree. */
export async function waitingFor(
  client: Client,
  name: string,
): Promise<number> {
  const [state] = await client.locks(name, { consistency: "linearizable" });
  return state?.waiting ?? 0;
}
