import type { LinkLimits } from "../../src/network/link_options.ts";
import { PeerLinks } from "../../src/network/links.ts";
import {
  RaftListener,
  type RaftListenerLimits,
} from "../../src/network/listener/raft_listener.ts";
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
  /** How many links it was asked for. */
  asked: number;
}

/** What a {@linkcode SocketArena} lets a test choose per member. */
export interface SocketMemberOptions {
  incarnation?: string;
  clusterId?: string;
  peers?: NodeId[];
  secret?: string;
  /** The secret before it. */
  previous?: string;
  limits?: Partial<LinkLimits>;
  /** Of the listener. */
  admission?: Partial<RaftListenerLimits>;
  /** Dial these addresses instead of the arena's. */
  addresses?: PeerAddress[];
}

/** What members of an arena share. */
export const SECRET = "the secret of this arena";

/** Members with listeners on free ports of the loopback interface. */
export class SocketArena implements Arena {
  readonly #limits: Partial<LinkLimits>;
  readonly #admission: Partial<RaftListenerLimits>;
  readonly #ports = new Map<NodeId, number>();
  readonly #running = new Set<() => Promise<void>>();

  /** The limits hold for every member that does not say otherwise. */
  constructor(
    limits: Partial<LinkLimits> = {},
    admission: Partial<RaftListenerLimits> = {},
  ) {
    this.#limits = limits;
    this.#admission = admission;
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
    const logger = new Logger("info", ({ level, message }) => {
      lines.push(`${level} ${message}`);
      recorder.wake();
    });
    const network = new PeerLinks({
      self: identity,
      secrets: [
        options.secret ?? SECRET,
        ...(options.previous === undefined ? [] : [options.previous]),
      ],
      peers,
      events: recorder,
      limits: { ...this.#limits, ...options.limits },
      logger,
    });
    const listener = new RaftListener({
      at: { hostname: "127.0.0.1", port: this.#port(node) },
      logger,
      links: {
        accept: (caller) => {
          member.asked++;
          recorder.wake();
          network.accept(caller);
        },
        refused: () => network.refused(),
      },
      answer: (path) =>
        path === "/ping"
          ? { status: 200, type: "text/plain", body: "pong" }
          : null,
      failed: () => {},
      mayOpen: () => true,
      limits: options.admission ?? this.#admission,
    });
    const stop = async (): Promise<void> => {
      this.#running.delete(stop);
      await network.close();
      await listener.shutdown();
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
