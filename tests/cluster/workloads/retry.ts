import { setTimeout as sleep } from "node:timers/promises";
import type { ApiResult, MemberApi } from "../api.ts";
import type { ClientContext } from "./workload.ts";

const PAUSE_MS = 100;

/** Longest time that a write is repeated, ms. */
const RETRY_MS = 20_000;

/** Not worth a repetition: the answer will stay the same. */
const FINAL = /^(sql|constraint|invalid|too_large|forbidden|unauthorized):/;

/** Caches began anew: an attempt before that may have been applied, no later one will be. */
const RESET = /^cache_reset:/;

/**
 * Repeats a write under one idempotency key, on one member after the other, until it is
 * answered. When time is up: `info` if any attempt is in doubt, else `fail`.
 */
export async function retried<T>(
  context: Pick<ClientContext, "api" | "other">,
  call: (api: MemberApi, idempotencyKey: string) => Promise<ApiResult<T>>,
): Promise<ApiResult<T>> {
  const idempotencyKey = crypto.randomUUID();
  const deadline = performance.now() + RETRY_MS;
  let api = context.api;
  let doubtful = false;
  for (;;) {
    const result = await call(api, idempotencyKey);
    if (result.type === "ok") return result;
    if (result.type === "fail" && FINAL.test(result.error)) return result;
    doubtful ||= result.type === "info";
    const over = result.type === "fail" && RESET.test(result.error);
    if (over || performance.now() > deadline) {
      return { type: doubtful ? "info" : "fail", error: result.error };
    }
    await sleep(PAUSE_MS);
    api = context.other().api;
  }
}
