import type { LogFields } from "../../util/logger.ts";
import type { EncryptionKey } from "../key_ring.ts";
import type { BackupStore } from "../object_store.ts";
import type { S3Options, S3Patience } from "./s3_options.ts";
import type { PlainError, StreamFrame } from "./stream_channel.ts";

/** The first message to the Worker. */
export interface StoreSetup {
  readonly s3: S3Options;
  readonly patience: S3Patience;
  readonly keys: readonly EncryptionKey[];
  readonly activeKey: string;
}

/** What is asked of the store in the Worker. */
export type StoreMethod = Exclude<keyof BackupStore, "close">;

/** A call; what it streams, in either direction, has its number. */
export interface StoreCall {
  readonly call: number;
  readonly method: StoreMethod;
  readonly args: readonly unknown[];
}

/** From the Worker: what a call gave, or a line for the log. */
export type StoreAnswer =
  | { readonly call: number; readonly value: unknown }
  | { readonly call: number; readonly error: PlainError }
  | { readonly warning: string; readonly fields: LogFields };

/** To the Worker. */
export type ToWorker = StoreSetup | StoreCall | StreamFrame;

/** From the Worker. */
export type FromWorker = StoreAnswer | StreamFrame;
