import { parseHostPort } from "../config/address.ts";
import { tlsSource } from "../config/tls_settings.ts";
import type { NodeConfig } from "../config/types.ts";
import { CertificateWatch } from "../front/certificate_watch.ts";
import { Authority, type ListenerName } from "../tls/authority.ts";
import { certifiedNames } from "../tls/names.ts";
import { filesMark, readPair } from "../tls/pair_files.ts";
import { type CheckedPair, checkPair } from "../tls/pem_pair.ts";
import type { Logger } from "../util/logger.ts";

/** What a listener shows who connects. */
export interface ListenerCertificate {
  /** The pair to begin with. */
  readonly pair: CheckedPair;
  /** Notices when the files are other ones; null where there are none. */
  watch(renew: (pair: CheckedPair) => void): CertificateWatch | null;
}

/**
 * The certificate of a listener: from its files, or issued now by the authority
 * of its secret; null if it speaks no TLS.
 *
 * @throws {ConfigError} naming the key of a file that cannot be used.
 */
export async function certificateOf(
  listener: ListenerName,
  config: NodeConfig,
  logger: Logger,
): Promise<ListenerCertificate | null> {
  const source = tlsSource(config, listener);
  switch (source.kind) {
    case "off":
      return null;
    case "files": {
      const files = { listener, key: source.key, cert: source.cert };
      const mark = filesMark(files);
      const pair = readPair(files);
      return {
        pair,
        watch: (renew) =>
          new CertificateWatch(pair, mark, { files, logger, renew }),
      };
    }
    case "automatic":
      return { pair: await automatic(listener, config), watch: () => null };
  }
}

/** A certificate that all verify who know the secret, also the one of before. */
async function automatic(
  listener: ListenerName,
  config: NodeConfig,
): Promise<CheckedPair> {
  const [secret, before] = listener === "raft"
    ? [config.secretRaft, config.secretRaftPrevious]
    : [config.secretApi, config.secretApiPrevious];
  const authority = await Authority.derive(listener, secret);
  const previous = before === ""
    ? null
    : await Authority.derive(listener, before);
  const hosts = config.nodes.flatMap(({ raft, api }) => [raft, api])
    .map((address) => parseHostPort(address)!.host);
  const names = certifiedNames(config.nodeId, hosts);
  return checkPair(authority.issue(names, new Date(), previous));
}
