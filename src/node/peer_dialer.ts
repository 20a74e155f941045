import { tlsSource } from "../config/tls_settings.ts";
import type { NodeConfig } from "../config/types.ts";
import { dialTls } from "../network/dial_tls.ts";
import { type DialPeer, dialTcp } from "../network/dialing.ts";
import { Authority } from "../tls/authority.ts";
import { ANY_MEMBER } from "../tls/names.ts";
import { readAuthorities } from "../tls/pair_files.ts";
import type { Logger } from "../util/logger.ts";

/** How this member dials its peers: TLS is on for a whole cluster. @throws {ConfigError} for authorities that cannot be read. */
export async function peerDialer(
  config: NodeConfig,
  logger: Logger,
): Promise<DialPeer> {
  const source = tlsSource(config, "raft");
  if (source.kind === "off") return dialTcp;
  const name = source.kind === "automatic" ? ANY_MEMBER : null;
  if (config.tlsRaftDangerTlsNoVerify) {
    logger.warn(
      "tls_raft_danger_tls_no_verify: the certificates of peers are not verified; they prove that they know secret_raft all the same",
    );
    return dialTls({ name, authorities: null });
  }
  const derived = source.kind === "automatic"
    ? await derivedAuthorities(config)
    : [];
  // Files are read now, so that a start without them fails, and at each dial, since they may be other ones then.
  const authorities = (): string[] => [
    ...derived,
    ...(config.tlsRaftCa === ""
      ? []
      : readAuthorities("tls_raft_ca", config.tlsRaftCa)),
    // Where a chain ends is an authority, or the certificate itself.
    ...(source.kind === "files"
      ? readAuthorities("tls_raft_cert", source.cert).slice(-1)
      : []),
  ];
  authorities();
  return dialTls({ name, authorities });
}

/** While the secret changes, peers may show certificates of either. */
async function derivedAuthorities(config: NodeConfig): Promise<string[]> {
  const secrets = [config.secretRaft, config.secretRaftPrevious]
    .filter((secret) => secret !== "");
  const authorities = await Promise.all(
    secrets.map((secret) => Authority.derive("raft", secret)),
  );
  return authorities.map((authority) => authority.certificate());
}
