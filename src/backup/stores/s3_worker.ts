/**
 * The thread that speaks with S3: what comes in is plain and goes out sealed.
 * The SDK is loaded here, and only here.
 *
 * @module
 */
import { standBack } from "../../util/stand_back.ts";
import { KeyRing } from "../key_ring.ts";
import type { BackupStore, StoreOptions } from "../object_store.ts";
import { S3Store } from "./s3_store.ts";
import { SealedStore } from "./sealed_store.ts";
import { plainError, StreamChannel } from "./stream_channel.ts";
import type {
  FromWorker,
  StoreCall,
  StoreSetup,
  ToWorker,
} from "./worker_protocol.ts";

/** What a Worker sees of itself. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker, moved: ArrayBuffer[]): void;
}

const scope = globalThis as unknown as WorkerScope;
const channel = new StreamChannel((frame, moved) =>
  scope.postMessage(frame, moved)
);
let store: BackupStore;
standBack();

scope.onmessage = ({ data }) => {
  if ("stream" in data) channel.handle(data);
  else if ("call" in data) void answer(data);
  else store = openSealed(data);
};

function openSealed(
  { s3, patience, keys, activeKey }: StoreSetup,
): BackupStore {
  const inner = new S3Store(s3, (failure) => {
    const { what, attempt, reason, pauseMs } = failure;
    const fields = { attempt, reason, pauseMs };
    scope.postMessage(
      { warning: `S3 ${what} failed; it is repeated`, fields },
      [],
    );
  }, patience);
  return new SealedStore(inner, new KeyRing(keys, activeKey));
}

async function answer(call: StoreCall): Promise<void> {
  const answered = call.call;
  try {
    const value = await perform(call);
    scope.postMessage({ call: answered, value }, []);
  } catch (error) {
    scope.postMessage({ call: answered, error: plainError(error) }, []);
  }
}

async function perform({ call, method, args }: StoreCall): Promise<unknown> {
  const name = args[0] as string;
  switch (method) {
    case "put":
      return await store.put(
        name,
        channel.accept(call),
        args[1] as StoreOptions,
      );
    case "get":
      return channel.offer(call, await store.get(name));
    case "list":
      return await store.list(
        name,
        ...args.slice(1) as [string | null, number],
      );
    case "abortStale":
      return await store.abortStale(args[0] as number);
    default:
      return await store[method](name);
  }
}
