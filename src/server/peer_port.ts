import type { CertificateWatch } from "../front/certificate_watch.ts";
import type { RaftListener } from "../network/listener/raft_listener.ts";
import { TlsEntrance } from "../network/listener/tls_entrance.ts";
import type { ListenerReport } from "../node/port.ts";
import type { CheckedPair } from "../tls/pem_pair.ts";
import type { ListenerCertificate } from "./certificates.ts";

/** The Raft port, and the certificate that it shows if it speaks TLS. */
export class PeerPort {
  readonly #listener: RaftListener;
  readonly #watch: CertificateWatch | null;
  #pair: CheckedPair | null;

  private constructor(
    listener: RaftListener,
    entrance?: TlsEntrance,
    certificate?: ListenerCertificate,
  ) {
    this.#listener = listener;
    this.#pair = certificate?.pair ?? null;
    this.#watch = certificate?.watch((pair) => {
      this.#pair = pair;
      entrance?.renew(pair);
    }) ?? null;
  }

  /** Listens by `open`, with TLS if there is a certificate. @throws what `open` throws. */
  static async open(
    certificate: ListenerCertificate | null,
    open: (tls: TlsEntrance | null) => RaftListener,
  ): Promise<PeerPort> {
    if (certificate === null) return new PeerPort(open(null));
    const { Handshakes } = await import("../tls/handshakes.ts");
    const { key, chain } = certificate.pair;
    const entrance = new TlsEntrance(
      new Handshakes({ key, chain, minVersion: "TLSv1.3", protocols: [] }),
    );
    return new PeerPort(open(entrance), entrance, certificate);
  }

  /** What it tells of itself; null without TLS. */
  report(): ListenerReport | null {
    if (this.#pair === null) return null;
    return {
      listener: "raft",
      ...this.#listener.counts,
      notAfterMs: this.#pair.notAfter,
    };
  }

  /** Reads the certificate's files now. */
  reload(): void {
    this.#watch?.check(true);
  }

  /** Accepts no more, and watches no files. */
  async shutdown(): Promise<void> {
    this.#watch?.close();
    await this.#listener.shutdown();
  }
}
