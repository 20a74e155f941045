/** What accept(2) reports of the connection that it takes, and not of the port. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  // Its other side has gone already.
  ...["ENOTCONN", "ECONNABORTED", "ECONNRESET", "ETIMEDOUT", "EPIPE"],
  // A firewall does not want it.
  ...["EPERM", "EACCES"],
  // Errors of its network, which Linux hands over with it.
  ...["ENETDOWN", "ENETUNREACH", "EHOSTDOWN", "EHOSTUNREACH", "ENONET"],
  ...["EPROTO", "ENOPROTOOPT", "EOPNOTSUPP"],
]);

/** Whether a connection failed to be accepted, and not the port: the next one may be accepted at once. */
export function isOfTheConnection(error: unknown): boolean {
  const { code } = error as { readonly code?: string };
  return code !== undefined && OF_THE_CONNECTION.has(code);
}
