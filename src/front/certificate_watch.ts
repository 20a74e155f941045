import type { PairFiles } from "../tls/pair_files.ts";
import { filesMark, readPair } from "../tls/pair_files.ts";
import { type CheckedPair, validityProblem } from "../tls/pem_pair.ts";
import type { Logger } from "../util/logger.ts";

/** How often files are looked at, ms: notices of the file system miss what is behind links. */
const EVERY_MS = 10_000;
/** The least time between two lines about files that cannot be used, ms. */
const QUIET_MS = 60_000;

/** How often a certificate is warned about that has expired, or soon will have, ms. */
const WARN_MS = 86_400_000;

/** What a {@linkcode CertificateWatch} is made from. */
export interface CertificateWatchOptions {
  readonly files: PairFiles;
  readonly logger: Logger;
  /** Uses a pair from now on. */
  readonly renew: (pair: CheckedPair) => void;
}

/**
 * Notices when a listener's files are other ones, and has them used, if they
 * belong together. Whatever is wrong with them, the pair of before stays.
 */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #mark: string;
  #pair: CheckedPair;
  #saidMs = -Infinity;
  #warnedMs = -Infinity;

  /** `pair` is in use; it was read when the files had this `mark`. */
  constructor(
    pair: CheckedPair,
    mark: string,
    options: CertificateWatchOptions,
  ) {
    this.#options = options;
    this.#pair = pair;
    this.#mark = mark;
    this.#timer = setInterval(() => this.check(), EVERY_MS);
    this.#warn();
  }

  /** The pair in use. */
  get pair(): CheckedPair {
    return this.#pair;
  }

  /** Looks at the files now; `anew`: also if they look the same. */
  check(anew = false): void {
    const { files, logger, renew } = this.#options;
    if (performance.now() - this.#warnedMs >= WARN_MS) this.#warn();
    const mark = filesMark(files);
    if (mark === this.#mark && !anew) return;
    let pair: CheckedPair;
    try {
      pair = readPair(files);
    } catch (error) {
      return this.#keep(error as Error);
    }
    // Files that changed while they were read are read again.
    if (filesMark(files) === mark) this.#mark = mark;
    if (pair.sha256 === this.#pair.sha256 && pair.chain === this.#pair.chain) {
      return;
    }
    this.#pair = pair;
    renew(pair);
    logger.info("a new certificate is in use", {
      listener: files.listener,
      sha256: pair.sha256,
      not_after: new Date(pair.notAfter).toISOString(),
    });
    this.#warn();
  }

  /** Ends the looking. */
  close(): void {
    clearInterval(this.#timer);
  }

  #keep({ message }: Error): void {
    if (performance.now() - this.#saidMs < QUIET_MS) return;
    this.#saidMs = performance.now();
    this.#options.logger.error(
      `the certificate of before stays in use: ${message}`,
      { listener: this.#options.files.listener, sha256: this.#pair.sha256 },
    );
  }

  #warn(): void {
    this.#warnedMs = performance.now();
    const problem = validityProblem(this.#pair, Date.now());
    if (problem === null) return;
    const { listener, cert } = this.#options.files;
    this.#options.logger.warn(
      `tls_${listener}_cert: ${cert} ${problem}: replace it, it is read again by itself`,
    );
  }
}
