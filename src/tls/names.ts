/** Whom a leaf of every automatic certificate names beside the hosts of `nodes`: this machine. */
const LOCAL = ["localhost", "127.0.0.1", "::1"] as const;

/**
 * The name under which a peer is asked for its automatic certificate, wherever
 * it listens: addresses of pods are not known before they run. Which member it
 * is, the handshake of the link proves. It does not depend on the secret, so
 * that it outlives a change of it.
 */
export const ANY_MEMBER = "member.hiqlite.internal";

/**
 * What the certificate of member `node` says that it is: the hosts of all
 * members, since any may move to another's, this machine, and itself.
 */
export function certifiedNames(
  node: number,
  hosts: Iterable<string>,
): string[] {
  const names = new Set<string>([
    `n${node}.hiqlite.internal`,
    ANY_MEMBER,
    ...LOCAL,
  ]);
  for (const host of hosts) {
    const name = certifiable(host);
    if (name !== null) names.add(name);
  }
  return [...names];
}

/** The bytes of an IP address in network order; null for a name. */
export function addressBytes(host: string): Uint8Array | null {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) {
    return Uint8Array.from(host.split("."), Number);
  }
  if (!host.includes(":")) return null;
  const [head = "", tail] = host.split("::");
  const groups = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => parseInt(group, 16));
  const before = groups(head);
  const after = groups(tail ?? "");
  const zeros = Array<number>(8 - before.length - after.length).fill(0);
  return Uint8Array.from(
    [...before, ...zeros, ...after].flatMap((
      group,
    ) => [group >> 8, group & 255]),
  );
}

/** A host as certificates spell it: an address without its zone, a name in ASCII; null if there is no such spelling. */
function certifiable(host: string): string | null {
  const bare = host.replace(/%.*$/, "");
  const text = `https://${bare.includes(":") ? `[${bare}]` : bare}/`;
  return URL.canParse(text)
    ? new URL(text).hostname.replace(/^\[(.*)\]$/, "$1")
    : null;
}
