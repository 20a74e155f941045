import type { NodeConfig } from "../config/types.ts";
import { Front } from "../front/front.ts";
import { FRONT_LIMITS, type InnerAddress } from "../front/protocol.ts";
import type { ListenerReport } from "../node/port.ts";
import type { Logger } from "../util/logger.ts";
import type { ListenerCertificate } from "./certificates.ts";
import { ShownCertificate } from "./shown_certificate.ts";

/** What a {@linkcode FrontedPort} is made from. */
export interface FrontedPortOptions {
  readonly hostname: string;
  readonly port: number;
  /** Where it is served. */
  readonly inner: InnerAddress;
  /** Null: no TLS. */
  readonly certificate: ListenerCertificate | null;
  readonly config: Pick<NodeConfig, "apiConnectionsPerAddress">;
  readonly logger: Logger;
  /** By which the API is told from where connections come; see `FrontOpening`. */
  readonly addressTag: string;
  /** There was no descriptor for a connection, as the error says. */
  readonly scarce: (error: Error) => void;
}

/** The port of the API, which strangers reach: a front, and the certificate that it shows. */
export class FrontedPort {
  readonly #front: Front;
  readonly #shown: ShownCertificate | null;

  private constructor(front: Front, certificate: ListenerCertificate | null) {
    this.#front = front;
    this.#shown = certificate &&
      new ShownCertificate(certificate, (pair) => front.renew(pair));
  }

  /** Listens. @throws {ConfigError} naming key and address if that is impossible. */
  static async open(options: FrontedPortOptions): Promise<FrontedPort> {
    const { certificate, config, ...opening } = options;
    const { apiConnectionsPerAddress: perAddress } = config;
    const front = await Front.open({
      ...opening,
      key: "listen_addr_api",
      tls: certificate === null ? null : {
        key: certificate.pair.key,
        chain: certificate.pair.chain,
        minVersion: "TLSv1.2",
        protocols: ["http/1.1"],
      },
      limits: { ...FRONT_LIMITS, perAddress },
      perAddressKey: "api_connections_per_address",
    });
    return new FrontedPort(front, certificate);
  }

  /** Where this machine reaches it. */
  get url(): string {
    return this.#front.url;
  }

  /** What it tells of itself. */
  report(): ListenerReport {
    return {
      listener: "api",
      ...this.#front.counts,
      notAfterMs: this.#shown?.notAfterMs ?? null,
    };
  }

  /** Reads the certificate's files now. */
  reload(): void {
    this.#shown?.reload();
  }

  /** Ends connections that ask nothing. */
  shed(): void {
    this.#front.shed();
  }

  /** Accepts no more. Resolves when what is open was ended by its sides. */
  stop(): Promise<void> {
    this.#shown?.close();
    return this.#front.stop();
  }

  /** Ends every connection. */
  close(): void {
    this.#shown?.close();
    this.#front.close();
  }
}
