import type { NodeAddress } from "./types.ts";
import { ConfigError } from "../errors.ts";

/** A host and a port. */
export interface HostPort {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port` or `[ipv6]:port`; undefined if it is neither. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.%a-zA-Z]+)\]|([^\s:/[\]@]+)):(\d{1,5})$/
    .exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port < 1 || port > 65_535) return undefined;
  const ipv6 = match[1];
  if (ipv6 !== undefined && !ipv6.includes(":")) return undefined;
  return { host: ipv6 ?? match[2]!, port };
}

/** What is wrong with an address that is not `host:port`, or null. */
export function addressProblem(text: string): string | null {
  return parseHostPort(text) === undefined
    ? `expected host:port (IPv6 as [address]:port), got "${text.slice(0, 80)}"`
    : null;
}

/** Whether a host can only be reached from this machine. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
  return bare === "localhost" || bare === "::1" ||
    bare === "0:0:0:0:0:0:0:1" || /^127(?:\.\d{1,3}){3}$/.test(bare);
}

/** Reads one node line, `<id> <raft host:port> <api host:port>`. @throws {ConfigError} */
export function parseNodeLine(line: string, key: string): NodeAddress {
  const parts = line.trim().split(/\s+/);
  const [id, raft, api] = parts;
  if (
    parts.length !== 3 || id === undefined || raft === undefined ||
    api === undefined
  ) {
    throw new ConfigError(
      key,
      `expected "<id> <raft host:port> <api host:port>", got "${line.trim()}"`,
    );
  }
  if (!/^[1-9]\d{0,8}$/.test(id)) {
    throw new ConfigError(
      key,
      `expected a node id from 1 to 999999999, got "${id}" in "${line.trim()}"`,
    );
  }
  for (const address of [raft, api]) {
    const problem = addressProblem(address);
    if (problem !== null) {
      throw new ConfigError(key, `${problem} in "${line.trim()}"`);
    }
  }
  return { id: Number(id), raft, api };
}

/** Refuses lists in which two members collide. @throws {ConfigError} */
export function checkNodes(nodes: readonly NodeAddress[], key: string): void {
  if (nodes.length === 0) throw new ConfigError(key, "no node is listed");
  const ids = new Set<number>();
  const addresses = new Set<string>();
  for (const node of nodes) {
    if (ids.has(node.id)) {
      throw new ConfigError(key, `node id ${node.id} is listed twice`);
    }
    ids.add(node.id);
    for (const address of [node.raft, node.api]) {
      if (addresses.has(address)) {
        throw new ConfigError(
          key,
          `address ${address} is listed twice; every listener needs its own`,
        );
      }
      addresses.add(address);
    }
  }
}
