/** Where a bucket is, and who asks. */
export interface S3Options {
  /** `https://host`, without a slash at its end. */
  readonly url: string;
  readonly bucket: string;
  readonly region: string;
  readonly key: string;
  readonly secret: string;
  /** Whether the bucket is named in the path. */
  readonly pathStyle: boolean;
  /** What the names of all objects begin with. */
  readonly prefix: string;
  /** PEM texts of authorities to trust besides the runtime's. */
  readonly caCerts: readonly string[];
}

/** How long a store waits, and how often it asks. */
export interface S3Patience {
  /** Requests for one thing, before it is given up. */
  readonly attempts: number;
  /** None begins so long after the first one, ms. */
  readonly giveUpMs: number;
  /** The pause after the first failure, ms; each is up to twice the one before. */
  readonly pauseMs: number;
  /** The longest pause, ms. */
  readonly pauseMaxMs: number;
  /** An answer must begin so long after its request, ms; a body may take longer, by its size. */
  readonly answerMs: number;
  /** Silence within an answer's body that ends it, ms. */
  readonly silenceMs: number;
}

/** Eight requests within about half a minute, or five minutes where the server is silent. */
export const S3_PATIENCE: S3Patience = {
  attempts: 8,
  giveUpMs: 300_000,
  pauseMs: 200,
  pauseMaxMs: 10_000,
  answerMs: 60_000,
  silenceMs: 30_000,
};

/** Hears of each request that failed and is made again. */
export type OnRetry = (failure: {
  readonly what: string;
  readonly attempt: number;
  readonly reason: string;
  readonly pauseMs: number;
}) => void;
