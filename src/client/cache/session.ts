import { HiqliteError } from "../../errors.ts";
import { versionText } from "../../api/cache_json.ts";
import {
  CACHE_COUNTER,
  CACHE_GET,
  CACHE_LIST,
} from "../../api/routes/cache.ts";
import { CACHE_ATOMIC, conflictMessage } from "../../api/routes/cache_write.ts";
import type { MemberRoute } from "../../api/route.ts";
import type {
  CacheCounterAnswer,
  CacheGetAnswer,
  CacheListAnswer,
  CachePosition,
  CacheReadRequest,
  CacheWatchEvent,
  CacheWatchRequest,
  CacheWriteAnswer,
  CacheWriteRequest,
} from "../../node/port.ts";
import type {
  ByteKey,
  KvRange,
  KvResult,
  KvUnit,
} from "../../state/kv/types.ts";
import type { WriteOptions } from "../call_options.ts";
import type { Transport } from "../transport.ts";
import { READ } from "./arguments.ts";
import { checked } from "../options.ts";
import { PreconditionError } from "./precondition_error.ts";
import type { CacheReadOptions } from "./types.ts";
import { positionOfVersion } from "./versions.ts";

/** What a change did. */
export interface CacheWritten extends CachePosition {
  readonly results: readonly KvResult[];
}

/** What all caches of a client share: how members are reached, and what the client has seen. */
export class CacheSession {
  readonly #transport: Transport;
  /** Later reads contain at least this. */
  #seen: CachePosition = { epoch: 0, index: 0 };

  /** Speaks over `transport`. */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Applies a unit, only in the life `epoch` of the caches if it is given; what `pick` makes of what it did. One promise
   * and no more: this is on the way of every put.
   * @throws {PreconditionError} if a condition does not hold.
   * @throws {HiqliteError} `cache_full`, `conflict`, `cache_reset` and what every write throws.
   */
  write<T>(
    unit: KvUnit,
    options: WriteOptions,
    epoch: number | null,
    pick: (written: CacheWritten) => T | Promise<T>,
  ): Promise<T> {
    const request = requestOf(unit, options, epoch);
    const called = this.#transport.call(CACHE_ATOMIC, request, options);
    return called.then((answer) => {
      this.#observe(answer);
      const { epoch, index } = answer;
      return pick({ epoch, index, results: resultsOf(answer) });
    });
  }

  /** Reads entries. */
  get(
    cache: string,
    keys: readonly ByteKey[],
    options: CacheReadOptions,
  ): Promise<CacheGetAnswer> {
    return this.#read(CACHE_GET, { cache, keys }, checked(options, READ));
  }

  /** Reads a counter. */
  counter(
    cache: string,
    key: ByteKey,
    options: CacheReadOptions,
  ): Promise<CacheCounterAnswer> {
    return this.#read(CACHE_COUNTER, { cache, key }, checked(options, READ));
  }

  /** Reads a page of entries. */
  list(
    cache: string,
    range: KvRange,
    options: CacheReadOptions,
  ): Promise<CacheListAnswer> {
    return this.#read(CACHE_LIST, { cache, range }, options);
  }

  /** Watches a cache. */
  watch(request: CacheWatchRequest): AsyncIterable<CacheWatchEvent> {
    return this.#transport.watch(request);
  }

  async #read<
    Request extends CacheReadRequest,
    Reply extends CachePosition,
  >(
    route: MemberRoute<Request, Reply>,
    what: Omit<Request, Exclude<keyof CacheReadRequest, "cache">>,
    options: CacheReadOptions,
  ): Promise<Reply> {
    const { consistency, minVersion, timeoutMs } = options;
    const wanted = minVersion === undefined
      ? this.#seen
      : laterOf(this.#seen, positionOfVersion(minVersion, "minVersion"));
    const reply = await this.#transport.call(route, {
      ...what,
      ...(consistency === undefined ? {} : { consistency }),
      ...(wanted.epoch === 0 ? {} : { minimum: wanted }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    } as Request, options);
    this.#observe(reply);
    return reply;
  }

  #observe(position: CachePosition): void {
    if (!isLater(position, this.#seen)) return;
    const { epoch, index } = position;
    this.#seen = { epoch, index };
  }
}

function requestOf(
  unit: KvUnit,
  { idempotencyKey, timeoutMs }: WriteOptions,
  epoch: number | null,
): CacheWriteRequest {
  const plain = epoch === null && idempotencyKey === undefined &&
    timeoutMs === undefined;
  return plain ? { unit } : {
    unit,
    ...(epoch === null ? {} : { epoch }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

function laterOf(a: CachePosition, b: CachePosition): CachePosition {
  return isLater(b, a) ? b : a;
}

function isLater(a: CachePosition, b: CachePosition): boolean {
  return a.epoch > b.epoch || a.epoch === b.epoch && a.index > b.index;
}

function resultsOf({ answer, epoch }: CacheWriteAnswer): readonly KvResult[] {
  switch (answer.kind) {
    case "done":
      return answer.results;
    case "conflict": {
      const { at, version } = answer;
      throw new PreconditionError(
        conflictMessage(answer, epoch),
        version === 0 ? null : versionText(epoch, version),
        at,
      );
    }
    case "refused":
      throw new HiqliteError(answer.code, answer.message);
  }
}
