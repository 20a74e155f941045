import type {
  S3Options,
  S3Patience,
} from "../../src/backup/stores/s3_options.ts";
import type { S3Stub } from "../s3/stub.ts";

/** Tests do not wait long. */
export const impatient: S3Patience = {
  attempts: 5,
  giveUpMs: 20_000,
  pauseMs: 2,
  pauseMaxMs: 20,
  answerMs: 2000,
  silenceMs: 2000,
};

/** Where a stub's bucket is. */
export function optionsOf(
  { url, bucket, credentials }: S3Stub,
  prefix = "app/",
): S3Options {
  return { url, bucket, ...credentials, pathStyle: true, prefix, caCerts: [] };
}
