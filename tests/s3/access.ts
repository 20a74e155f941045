/** A server of S3 to test on: a bucket, and who may use it. */
export interface S3Access {
  readonly url: string;
  readonly bucket: string;
  readonly region: string;
  readonly key: string;
  readonly secret: string;
}

/** The variable that tells tests of a real server; main.ts sets it. */
export const S3_ACCESS = "HQL_TEST_S3";

/** The real server that runs, if one does. */
export function realServer(): S3Access | null {
  const text = Deno.env.get(S3_ACCESS);
  return text === undefined ? null : JSON.parse(text) as S3Access;
}
