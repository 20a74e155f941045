import { parsePlace, placeText } from "../api/log_place.ts";
import { HiqliteError } from "../errors.ts";
import type { ChangesRequest, LiveRequest } from "../node/port.ts";
import type { LogIndex } from "../raft/types.ts";
import type { SqlParameters } from "../state/sql/types.ts";
import type { Row } from "./client.ts";
import type {
  ChangesOptions,
  LiveOptions,
  LiveRows,
  TablesChanged,
} from "./live_options.ts";
import { rowsByName } from "./rows.ts";
import { parseRows } from "./schema.ts";
import type { Transport } from "./transport.ts";

/** The index that a client's reads must contain. */
export interface SeenIndex {
  /** As of its last answer. */
  readonly last: () => LogIndex;
  /** It has heard of this one. */
  readonly observe: (answer: { readonly index: LogIndex }) => void;
}

/** See `Client.changes`. */
export function tableChanges(
  transport: Transport,
  { tables, since, signal }: ChangesOptions,
  seen: SeenIndex,
): AsyncGenerator<TablesChanged> {
  const request: ChangesRequest = {
    ...(tables === undefined ? {} : { tables: namesOf(tables) }),
    ...(since === undefined ? {} : { since: parsePlace(`${since}`, "since") }),
    ...(signal === undefined ? {} : { signal }),
  };
  const changes = transport.changes(request, seen.last);
  return (async function* () {
    for await (const { place, ...change } of changes) {
      // Whoever runs a query again upon it must see it, at whichever member.
      seen.observe(change);
      yield { ...change, position: placeText(place) };
    }
  })();
}

/** See `Client.live`. */
export async function* liveRows<T = Row>(
  transport: Transport,
  sql: string,
  params: SqlParameters | undefined,
  options: LiveOptions<T>,
  seen: SeenIndex,
): AsyncGenerator<LiveRows<T>> {
  const { minIntervalMs, timeoutMs, signal } = options;
  const minIndex = Math.max(options.minIndex ?? 0, seen.last());
  const request: LiveRequest = {
    sql,
    ...(params === undefined ? {} : { params }),
    ...(minIndex === 0 ? {} : { minIndex }),
    ...(minIntervalMs === undefined ? {} : { minIntervalMs }),
    ...(timeoutMs === undefined ? {} : { limits: { timeoutMs } }),
    ...(signal === undefined ? {} : { signal }),
  };
  for await (const event of transport.live(request)) {
    seen.observe(event.place);
    if (event.kind === "same") continue;
    const rows = await parseRows(rowsByName(event.result), options.schema);
    yield { rows, index: event.place.index };
  }
}

/** @throws {HiqliteError} `invalid` */
function namesOf(tables: readonly string[]): readonly string[] {
  const right = Array.isArray(tables) && tables.length > 0 &&
    tables.length <= 1_000 && tables.every((name) => typeof name === "string");
  if (right) return [...tables];
  throw new HiqliteError(
    "invalid",
    "tables: expected a list of 1 to 1000 names; leave it out for all tables",
  );
}
