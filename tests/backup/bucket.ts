import type { NodeOptions } from "../../src/config/options.ts";
import type { S3Stub } from "../s3/stub.ts";

/** A key of backups, 32 equal bytes. */
export function keyLine(id: string, byte: number): string {
  return `${id}/${new Uint8Array(32).fill(byte).toBase64()}`;
}

/** A stub's bucket as options of a member. */
export function bucketOptions(
  { url, bucket, credentials }: S3Stub,
): NodeOptions {
  return {
    s3Url: url,
    s3Bucket: bucket,
    s3Region: credentials.region,
    s3Key: credentials.key,
    s3Secret: credentials.secret,
    s3PathStyle: true,
    encKeys: [keyLine("k1", 7)],
    encKeyActive: "k1",
  };
}

/** The same, as variables of a process. */
export function bucketVariables(
  { url, bucket, credentials }: S3Stub,
): Record<string, string> {
  return {
    HQL_S3_URL: url,
    HQL_S3_BUCKET: bucket,
    HQL_S3_REGION: credentials.region,
    HQL_S3_KEY: credentials.key,
    HQL_S3_SECRET: credentials.secret,
    HQL_S3_PATH_STYLE: "true",
    ENC_KEYS: keyLine("k1", 7),
    ENC_KEY_ACTIVE: "k1",
  };
}
