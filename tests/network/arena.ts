import type { LinkLimits } from "../../src/network/link_options.ts";
import { PeerLinks } from "../../src/network/links.ts";
import type { PeerAddress, PeerIdentity } from "../../src/network/port.ts";
import type { NodeId } from "../../src/raft/types.ts";
import { Logger } from "../../src/util/logger.ts";
import { freePorts } from "../ports.ts";
import {
  type Arena,
  type Contestant,
  identityOf,
  Recorder,
} from "./contract.ts";

/** A member on a real socket, with what it logged. */
export interface SocketMember extends Contestant {
  readonly network: PeerLinks;
  /** `level message` of every line. */
  readonly lines: string[];
  /** Waits until a line matches. */
  logged(pattern: RegExp): Promise<void>;
  /** How many connections it was asked to accept. */
  asked: number;
}

/** What a {@linkcode SocketArena} lets a test choose per member. */
export interface SocketMemberOptions {
  incarnation?: string;
  clusterId?: string;
  peers?: NodeId[];
  secret?: string;
  limits?: Partial<LinkLimits>;
  /** Dial these addresses instead of the arena's. */
  addresses?: PeerAddress[];
}

/** Members with listeners on free ports of the loopback interface. */
export class SocketArena implements Arena {
  readonly #limits: Partial<LinkLimits>;
  readonly #ports = new Map<NodeId, number>();
  readonly #running = new Set<() => Promise<void>>();

  /** `limits` hold for every member that does not say otherwise. */
  constructor(limits: Partial<LinkLimits> = {}) {
    this.#limits = limits;
  }

  address(id: NodeId): PeerAddress {
    return { id, address: `127.0.0.1:${this.#port(id)}` };
  }

  member(node: NodeId, options: SocketMemberOptions = {}): SocketMember {
    const recorder = new Recorder();
    const lines: string[] = [];
    const { address } = this.address(node);
    const identity: PeerIdentity = identityOf(node, address, options);
    const peers = options.addresses ??
      (options.peers ?? [3 - node]).map((peer) => this.address(peer));
    const network = new PeerLinks({
      self: identity,
      secret: options.secret ?? "the secret of this arena",
      peers,
      events: recorder,
      limits: { ...this.#limits, ...options.limits },
      logger: new Logger("info", ({ level, message }) => {
        lines.push(`${level} ${message}`);
        recorder.wake();
      }),
    });
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: this.#port(node), onListen() {} },
      (request) => {
        member.asked++;
        recorder.wake();
        return network.accept(request);
      },
    );
    const stop = async (): Promise<void> => {
      this.#running.delete(stop);
      await network.close();
      await server.shutdown();
    };
    this.#running.add(stop);
    const member: SocketMember = {
      network,
      recorder,
      identity,
      lines,
      logged: (pattern) =>
        recorder.until(
          `a line like ${pattern} among\n${lines.join("\n")}`,
          () => lines.some((line) => pattern.test(line)),
        ),
      asked: 0,
      stop,
    };
    return member;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map((stop) => stop()));
  }

  #port(node: NodeId): number {
    let port = this.#ports.get(node);
    if (port === undefined) {
      port = freePorts(1)[0]!;
      this.#ports.set(node, port);
    }
    return port;
  }
}
