import type { CertificateWatch } from "../front/certificate_watch.ts";
import type { CheckedPair } from "../tls/pem_pair.ts";
import type { ListenerCertificate } from "./certificates.ts";

/** The certificate that a port shows now, and what looks for a new one. */
export class ShownCertificate {
  readonly #watch: CertificateWatch | null;
  #pair: CheckedPair;

  /** `renew` is told of each pair that takes the place of the one before. */
  constructor(
    certificate: ListenerCertificate,
    renew: (pair: CheckedPair) => void,
  ) {
    this.#pair = certificate.pair;
    this.#watch = certificate.watch((pair) => {
      this.#pair = pair;
      renew(pair);
    });
  }

  /** When it is good no longer, ms since the Unix epoch. */
  get notAfterMs(): number {
    return this.#pair.notAfter;
  }

  /** Reads the files now. */
  reload(): void {
    this.#watch?.check(true);
  }

  /** Looks no more. Idempotent. */
  close(): void {
    this.#watch?.close();
  }
}
