import type { RaftListener } from "../network/listener/raft_listener.ts";
import { TlsEntrance } from "../network/listener/tls_entrance.ts";
import type { ListenerReport } from "../node/port.ts";
import type { ListenerCertificate } from "./certificates.ts";
import { ShownCertificate } from "./shown_certificate.ts";

/** The Raft port, and the certificate that it shows if it speaks TLS. */
export class PeerPort {
  readonly #listener: RaftListener;
  readonly #shown: ShownCertificate | null;

  private constructor(
    listener: RaftListener,
    shown: ShownCertificate | null,
  ) {
    this.#listener = listener;
    this.#shown = shown;
  }

  /** Listens by `open`, with TLS if there is a certificate. @throws what `open` throws. */
  static async open(
    certificate: ListenerCertificate | null,
    open: (tls: TlsEntrance | null) => RaftListener,
  ): Promise<PeerPort> {
    if (certificate === null) return new PeerPort(open(null), null);
    const { Handshakes } = await import("../tls/handshakes.ts");
    const { key, chain } = certificate.pair;
    const entrance = new TlsEntrance(
      new Handshakes({ key, chain, minVersion: "TLSv1.3", protocols: [] }),
    );
    const listener = open(entrance);
    return new PeerPort(
      listener,
      new ShownCertificate(certificate, (pair) => entrance.renew(pair)),
    );
  }

  /** What it tells of itself; null without TLS. */
  report(): ListenerReport | null {
    if (this.#shown === null) return null;
    return {
      listener: "raft",
      ...this.#listener.counts,
      notAfterMs: this.#shown.notAfterMs,
    };
  }

  /** Reads the certificate's files now. */
  reload(): void {
    this.#shown?.reload();
  }

  /** Accepts no more, and watches no files. */
  async shutdown(): Promise<void> {
    this.#shown?.close();
    await this.#listener.shutdown();
  }
}
