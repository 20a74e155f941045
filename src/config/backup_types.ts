import type { EncryptionKey } from "../backup/key_ring.ts";

/** What a member needs to know of backups. Defaults are in backup_settings.ts. */
export interface BackupConfig {
  /** Address of the S3 server, `https://host`; empty: there is none. @default {""} */
  readonly s3Url: string;
  /** The bucket that backups go into. @default {""} */
  readonly s3Bucket: string;
  /** Region that requests are signed for. @default {""} */
  readonly s3Region: string;
  /** Id of the access key. @default {""} */
  readonly s3Key: string;
  /** Its secret. @default {""} */
  readonly s3Secret: string;
  /** Whether the bucket is named in the path, not in the host name. @default {true} */
  readonly s3PathStyle: boolean;
  /** What the names of all objects begin with. @default {""} */
  readonly s3Prefix: string;
  /** Path of a PEM file with authorities to trust besides those of the runtime. @default {""} */
  readonly s3Ca: string;
  /** Path of a folder that all members share and that backups go to, in the place of S3. @default {""} */
  readonly backupFolder: string;
  /** The keys that backups are sealed with; without any nothing goes to S3. @default {[]} */
  readonly encKeys: readonly EncryptionKey[];
  /** Id of the one that new backups are sealed with. @default {""} */
  readonly encKeyActive: string;
  /** When backups are made; empty: only when asked for. @default {"0 30 2 * * * *"} */
  readonly backupCron: string;
  /** Time zone of the expressions; empty: the machine's. @default {""} */
  readonly backupTimezone: string;
  /** Days that backups on S3 are kept, 0 … 36500. @default {30} */
  readonly backupKeepDays: number;
  /** Days that each member keeps copies of its own, 0 … 36500; 0: it makes none. @default {0} */
  readonly backupKeepDaysLocal: number;
  /** How often the log is archived, ms, 100 … 86_400_000; 0: never. @default {0} */
  readonly backupLogInterval: number;
  /** When the newest backup is restored to see that it is good; empty: never. @default {"0 30 3 * * Sun *"} */
  readonly backupVerify: string;
  /** What is restored at the start, once: `s3:NAME`, `file:PATH`, `latest`; empty: nothing. @default {""} */
  readonly backupRestore: string;
}
