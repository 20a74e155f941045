import { HiqliteError } from "../../errors.ts";
import type { SqlValue } from "../../state/sql/types.ts";
import { checkLockName } from "../../state/locks/validate.ts";
import type { Clock } from "../../util/clock.ts";
import { startTimer } from "../../util/timers.ts";
import type {
  LockListAnswer,
  LockListRequest,
  LockState,
} from "../lock_port.ts";
import type { QueryAnswer, QueryRequest } from "../port.ts";

/** Holders in one answer. */
const LISTED_MAX = 1_000;
/** The longest wait for a change, ms. */
const WATCH_MS_MAX = 60_000;

const COLUMNS =
  "SELECT name, token, owner, value, permits, max_permits, claimed, remaining_ms, waiting, lease FROM hql_locks";

/** What listing needs from its service. */
export interface LockListPorts {
  readonly clock: Clock;
  query(request: QueryRequest): Promise<QueryAnswer>;
  /** Calls `wake` when something happens to a lock, until what it returns is called. */
  changed(name: string, wake: () => void): () => void;
  closed(): boolean;
}

/**
 * Who holds locks; with `unlike`, once the lock has another holder than that one, or the wait is over.
 * @throws {HiqliteError} `invalid`, and what reading throws.
 */
export async function listLocks(
  request: LockListRequest,
  ports: LockListPorts,
): Promise<LockListAnswer> {
  const { name, unlike, waitMs = 0, signal } = request;
  if (name !== undefined) checkLockName(name);
  else if (unlike !== undefined) {
    throw new HiqliteError("invalid", "unlike: needs the name of a lock");
  }
  const deadline = ports.clock.monotonic() + Math.min(waitMs, WATCH_MS_MAX);
  for (;;) {
    const woken = Promise.withResolvers<void>();
    const unwatch = unlike === undefined
      ? () => {}
      : ports.changed(name!, woken.resolve);
    try {
      const answer = await read(request, ports);
      const left = deadline - ports.clock.monotonic();
      const [holder] = answer.locks;
      const same = unlike !== undefined && (holder?.token ?? 0) === unlike;
      if (!same || left <= 0 || ports.closed()) return answer;
      await first(woken.promise, left, signal);
    } finally {
      unwatch();
    }
    signal?.throwIfAborted();
  }
}

async function read(
  { name, consistency, minIndex, unlike, timeoutMs, signal }: LockListRequest,
  { query }: LockListPorts,
): Promise<LockListAnswer> {
  // Who waits for a change waits for one who knows of it.
  const claimed = unlike === undefined ? "" : " AND claimed";
  const { rows, index } = await query({
    sql: name === undefined
      ? `${COLUMNS} ORDER BY name, token LIMIT ${LISTED_MAX}`
      : `${COLUMNS} WHERE name = ?${claimed} ORDER BY token LIMIT ${LISTED_MAX}`,
    ...(name === undefined ? {} : { params: [name] }),
    ...(consistency === undefined ? {} : { consistency }),
    ...(minIndex === undefined ? {} : { minIndex }),
    ...(timeoutMs === undefined ? {} : { limits: { timeoutMs } }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { locks: rows.map(stateOf), index };
}

function stateOf(row: readonly SqlValue[]): LockState {
  const [
    name,
    token,
    owner,
    value,
    permits,
    limit,
    claimed,
    remainingMs,
    waiting,
    lease,
  ] = row as [
    string,
    number,
    string,
    string,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    name,
    token,
    owner,
    value,
    permits,
    limit,
    claimed: claimed === 1,
    remainingMs,
    waiting,
    lease,
  };
}

/** Until `woken`, the signal, or `ms` are over. */
async function first(
  woken: Promise<void>,
  ms: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const over = Promise.withResolvers<void>();
  const end = (): void => over.resolve();
  const timer = startTimer(end, ms);
  signal?.addEventListener("abort", end);
  if (signal?.aborted) end();
  await Promise.race([woken, over.promise]);
  clearTimeout(timer);
  signal?.removeEventListener("abort", end);
}
