import { run } from "./command.ts";
import type { Node, TestNetwork } from "./network.ts";

const RAFT_PORT = 8100;
const API_PORT = 8200;

/** How many networks there can be on a machine at the same time. */
const SUBNETS = 250;

/** The test's own address is the last of the subnet. */
const TEST_HOST = 254;

/**
 * Every member in a network namespace of its own, joined by a bridge in one
 * more; the test gets one interface into it. Faults are nftables rules inside the members' namespaces.
 */
export class NetnsNetwork implements TestNetwork {
  readonly kind = "netns";
  readonly #tag: string;
  /** The number of the subnet that is this network's, once it has one. */
  #subnet: number | undefined;
  readonly #nodes: number;
  /** receiver → senders it hears nothing from. */
  readonly #cuts = new Map<Node, Set<Node>>();
  #lossPercent = 0;

  /** Only {@linkcode create} makes them. */
  private constructor(nodes: number) {
    this.#nodes = nodes;
    this.#tag = `hq${Deno.pid.toString(36)}.${(instances++).toString(36)}`;
  }

  /** Makes one, to see whether this machine allows it. @throws {Error} with what it does not allow. */
  static async attempt(): Promise<void> {
    await using _ = await NetnsNetwork.create(1);
  }

  /** Makes the namespaces. @throws {Error} where the system does not allow it. */
  static async create(nodes: number): Promise<NetnsNetwork> {
    const network = new NetnsNetwork(nodes);
    try {
      await network.#setUp();
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where the test finds a member's API. */
  apiUrl(node: Node): string {
    return `http://${this.#address(node)}:${API_PORT}`;
  }

  /** The same list for every member. */
  environment(_node: Node): Readonly<Record<string, string>> {
    const lines = Array.from({ length: this.#nodes }, (_, i) => {
      const host = this.#address(i + 1);
      return `${i + 1} ${host}:${RAFT_PORT} ${host}:${API_PORT}`;
    });
    return { HQL_NODES: lines.join("\n") };
  }

  /**
   * Runs in the member's namespace, under the same process id. Not by `ip netns
   * exec`, which copies all mounts: a disk could then not be unmounted any more.
   */
  command(node: Node, argv: readonly string[]): readonly string[] {
    return ["nsenter", `--net=/run/netns/${this.#namespace(node)}`, ...argv];
  }

  /** `to` drops what comes from `from`. */
  async cut(from: Node, to: Node): Promise<void> {
    const senders = this.#cuts.get(to) ?? new Set();
    this.#cuts.set(to, senders.add(from));
    await this.#applyRules(to);
  }

  /** Every member drops this percentage of its peers' packets. */
  async degrade(percent: number): Promise<void> {
    this.#lossPercent = percent;
    await this.#applyAllRules();
  }

  /** Not here: the kernel's own means for it are often missing, and a proxy would need the loopback network. */
  disturb(): Promise<void> {
    return Promise.reject(
      new Error("namespaces only drop packets, this fault needs proxies"),
    );
  }

  /** Removes all rules. */
  async heal(): Promise<void> {
    this.#lossPercent = 0;
    this.#cuts.clear();
    await this.#applyAllRules();
  }

  /** Removes the namespaces, and with them the interfaces. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (let node = 0; node <= this.#nodes; node++) {
      await run(["ip", "netns", "del", this.#namespace(node)]).catch(() => {});
    }
    // The interface goes with its twin, but the kernel takes its time; a second removal does no harm.
    if (this.#subnet === undefined) return;
    await run(["ip", "link", "del", interfaceIn(this.#subnet)]).catch(() => {});
  }

  async #setUp(): Promise<void> {
    const hub = this.#namespace(0);
    const inHub = ["ip", "-n", hub];
    await run(["ip", "netns", "add", hub]);
    await run([...inHub, "link", "add", "br0", "type", "bridge"]);
    await run([...inHub, "link", "set", "br0", "up"]);
    await this.#takeSubnet();
    for (let node = 1; node <= this.#nodes; node++) {
      const inside = ["ip", "-n", this.#namespace(node)];
      await run(["ip", "netns", "add", this.#namespace(node)]);
      await run([...inside, "link", "set", "lo", "up"]);
      await this.#plug(inside, `${this.#tag}m${node}`, node);
      await this.#applyRules(node);
    }
  }

  /**
   * Joins the test to the bridge, in a subnet that nobody else has: its number is in
   * the name of the interface, and the kernel gives a name to one only, whichever process asks.
   */
  async #takeSubnet(): Promise<void> {
    const first = Deno.pid % SUBNETS;
    for (let i = 0; i < SUBNETS; i++) {
      const subnet = (first + i) % SUBNETS;
      const name = interfaceIn(subnet);
      try {
        await run(["ip", "link", "add", name, ...this.#peer(TEST_HOST)]);
      } catch (error) {
        if (!(error as Error).message.includes("File exists")) throw error;
        continue;
      }
      this.#subnet = subnet;
      await this.#connect(["ip"], name, TEST_HOST);
      return;
    }
    throw new Error(
      `all ${SUBNETS} subnets 10.213.0.0/24 … are taken: remove the interfaces hqnet… of runs that were killed`,
    );
  }

  /** Joins a member's namespace to the bridge. */
  async #plug(
    inside: readonly string[],
    name: string,
    host: number,
  ): Promise<void> {
    await run([...inside, "link", "add", name, ...this.#peer(host)]);
    await this.#connect(inside, name, host);
  }

  /** The other end of a host's interface, at the bridge. */
  #peer(host: number): readonly string[] {
    const hub = this.#namespace(0);
    return ["type", "veth", "peer", "name", `p${host}`, "netns", hub];
  }

  async #connect(
    inside: readonly string[],
    name: string,
    host: number,
  ): Promise<void> {
    const inHub = ["ip", "-n", this.#namespace(0)];
    await run([...inHub, "link", "set", `p${host}`, "master", "br0", "up"]);
    const address = `${this.#address(host)}/24`;
    await run([...inside, "address", "add", address, "dev", name]);
    await run([...inside, "link", "set", name, "up"]);
  }

  async #applyAllRules(): Promise<void> {
    for (let node = 1; node <= this.#nodes; node++) {
      await this.#applyRules(node);
    }
  }

  async #applyRules(node: Node): Promise<void> {
    const rules = [...this.#cuts.get(node) ?? []].map((from) =>
      `ip saddr ${this.#address(from)} drop`
    );
    if (this.#lossPercent > 0) {
      rules.push(
        `ip saddr ${this.#address(0)}/24 ip saddr != ${
          this.#address(TEST_HOST)
        } numgen random mod 100 < ${this.#lossPercent} drop`,
      );
    }
    const script = [
      "table inet chaos {}",
      "flush table inet chaos",
      "table inet chaos { chain incoming {",
      "type filter hook input priority 0;",
      ...rules,
      "}",
      "}",
      "",
    ].join("\n");
    const nft = this.command(node, ["nft", "-f", "-"]);
    await run(nft, script);
  }

  #address(node: Node): string {
    return `10.213.${this.#subnet}.${node}`;
  }

  /** 0 is the one with the bridge. */
  #namespace(node: Node): string {
    return `${this.#tag}-${node}`;
  }
}

/** The test's own interface into a subnet. */
function interfaceIn(subnet: number): string {
  return `hqnet${subnet}`;
}

let instances = 0;
