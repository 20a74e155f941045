import type { ApiResult, CachePlace } from "../api.ts";
import type { Ending } from "../recorder.ts";
import { CALL_MS, type ClientContext } from "./workload.ts";

/**
 * The life of the caches that a workload's clients write in. Each begins empty, so its keys have a
 * history of their own: a key of it is told from the same one in another by {@linkcode CacheEpoch.named}.
 */
export class CacheEpoch {
  #epoch = 0;

  /** The present one. Asks for it if it is not known; a failure, which nobody needs to write down, if nobody says. */
  async learn({ api }: ClientContext): Promise<number | Ending> {
    if (this.#epoch > 0) return this.#epoch;
    const answer = await api.cacheGet("epochs", "any", "linearizable", CALL_MS);
    if (answer.type !== "ok") return answer;
    return this.#epoch = answer.value.epoch;
  }

  /** A result of something that was asked for in `epoch`; one of another life says nothing of this one. */
  of<T extends CachePlace>(
    epoch: number,
    result: ApiResult<T>,
  ): ApiResult<T> {
    const elsewhere = result.type === "ok"
      ? result.value.epoch !== epoch
      : result.error.startsWith("cache_reset:");
    if (!elsewhere) return result;
    this.#epoch = 0;
    return result.type === "info"
      ? result
      : { type: "fail", error: `cache_reset: no longer epoch ${epoch}` };
  }

  /** A key's name in histories. */
  static named(epoch: number, key: string): string {
    return `${epoch}/${key}`;
  }
}
