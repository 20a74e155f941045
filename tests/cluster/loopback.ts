import { freePorts } from "../ports.ts";
import type { Disturbance, Node, TestNetwork } from "./network.ts";
import { type Listener, type Side, TcpProxy } from "./proxy.ts";

/** Options of {@linkcode LoopbackNetwork}. */
export interface LoopbackOptions {
  readonly nodes: number;
  /** Puts a proxy on every link between members, so that links can fail. @default {false} */
  readonly proxied?: boolean;
  /** Hears each Raft message on a link with a proxy. */
  readonly heard?: Listener;
  /** Where everybody listens. @default {"127.0.0.1"} */
  readonly host?: string;
  /** Members speak TLS on both ports, with automatic certificates. Not with proxies, which read what they carry. @default {false} */
  readonly tls?: boolean;
  /** What the members prove to one another, which proxies have to know. @default that of the harness */
  readonly secret?: string;
}

/** All members on one address of the loopback interface, each with its own ports. */
export class LoopbackNetwork implements TestNetwork {
  readonly kind: "proxy" | "loopback";
  readonly #host: string;
  readonly #tls: boolean;
  readonly #raft: readonly number[];
  readonly #api: readonly number[];
  /** `dialer → dialed`, in one map. */
  readonly #proxies = new Map<string, TcpProxy>();

  /** Chooses ports and starts proxies. */
  constructor(options: LoopbackOptions) {
    const { nodes, proxied = false, host = "127.0.0.1" } = options;
    this.#host = host;
    this.#tls = options.tls ?? false;
    this.kind = proxied ? "proxy" : "loopback";
    const ports = freePorts(nodes * 2, host);
    this.#raft = ports.slice(0, nodes);
    this.#api = ports.slice(nodes);
    if (proxied) this.#startProxies(options);
  }

  #startProxies({ heard, secret }: LoopbackOptions): void {
    for (const [i, port] of this.#raft.entries()) {
      for (let dialer = 1; dialer <= this.#raft.length; dialer++) {
        if (dialer === i + 1) continue;
        const proxy = new TcpProxy(port, this.#host, heard, secret);
        this.#proxies.set(`${dialer} ${i + 1}`, proxy);
      }
    }
  }

  /** Where the test finds a member's API. */
  apiUrl(node: Node): string {
    const scheme = this.#tls ? "https" : "http";
    return `${scheme}://${this.#host}:${this.#api[node - 1]}`;
  }

  /** The member list, with the member's own proxies in the place of its peers. */
  environment(node: Node): Readonly<Record<string, string>> {
    const lines = this.#raft.map((own, i) => {
      const proxy = this.#proxies.get(`${node} ${i + 1}`);
      const raft = proxy?.port ?? own;
      const host = this.#host;
      return `${i + 1} ${host}:${raft} ${host}:${this.#api[i]}`;
    });
    return {
      HQL_NODES: lines.join("\n"),
      HQL_LISTEN_ADDR_RAFT: this.#host,
      HQL_LISTEN_ADDR_API: this.#host,
      ...this.#tls ? { HQL_TLS_AUTO_CERTS: "true" } : {},
    };
  }

  /** The command as it is. */
  command(_node: Node, argv: readonly string[]): readonly string[] {
    return argv;
  }

  /** Holds back what `from` sends, on both connections between the two. */
  cut(from: Node, to: Node): Promise<void> {
    this.#between(from, to, "no proxies to cut").forEach(([proxy, side]) =>
      proxy.hold(side)
    );
    return Promise.resolve();
  }

  /** Delays everything by up to 2 ms per percent and breaks a connection now and then. */
  degrade(percent: number): Promise<void> {
    const disturbance = { jitterMs: 2 * percent, breakPercent: percent / 10 };
    for (const proxy of this.#proxies.values()) {
      proxy.disturb("dialer", disturbance);
      proxy.disturb("dialed", disturbance);
    }
    return Promise.resolve();
  }

  /** Disturbs both connections between the two in this direction. */
  disturb(from: Node, to: Node, disturbance: Disturbance): Promise<void> {
    this.#between(from, to, "no proxies to disturb").forEach(([proxy, side]) =>
      proxy.disturb(side, disturbance)
    );
    return Promise.resolve();
  }

  /** See {@linkcode TcpProxy.lostAnswers}, of all links. */
  get lostAnswers(): number {
    return [...this.#proxies.values()]
      .reduce((sum, { lostAnswers }) => sum + lostAnswers, 0);
  }

  /** Lets everything through; what was held back is delivered or its connection is broken. */
  heal(): Promise<void> {
    for (const proxy of this.#proxies.values()) proxy.heal();
    return Promise.resolve();
  }

  /** Closes the proxies. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [...this.#proxies.values()].map((proxy) => proxy[Symbol.asyncDispose]()),
    );
  }

  #between(
    from: Node,
    to: Node,
    problem: string,
  ): [TcpProxy, Side][] {
    const dialedByFrom = this.#proxies.get(`${from} ${to}`);
    const dialedByTo = this.#proxies.get(`${to} ${from}`);
    if (dialedByFrom === undefined || dialedByTo === undefined) {
      throw new Error(`${from} → ${to}: ${problem}`);
    }
    return [[dialedByFrom, "dialer"], [dialedByTo, "dialed"]];
  }
}
