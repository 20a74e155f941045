import type { LogIndex } from "../../../raft/types.ts";
import type { SqlMachine } from "../../../state/sql/port.ts";
import { type StoredValue, VALUE_KINDS } from "../../../state/stored_value.ts";
import type { Published } from "../../../state/topics/event.ts";

/** Events of one page. */
const PAGE_EVENTS = 256;
/** Bytes of a page after its first event. */
const PAGE_BYTES = 64 * 1024;

const PAGE = `
SELECT e.n, e.idx, e.topic, e.kind, e.data
FROM (SELECT n, total FROM _hql_events WHERE n > ?1 ORDER BY n LIMIT ${PAGE_EVENTS}) AS p
  CROSS JOIN _hql_events AS e ON e.n = p.n
WHERE p.total <= ${PAGE_BYTES} + (SELECT total FROM _hql_events WHERE n > ?1 ORDER BY n LIMIT 1)
ORDER BY e.n`;

/** Some of the events that are kept. */
export interface EventPage {
  /** In order, without gaps. */
  readonly events: readonly Published[];
  /** Everything after the asked number and up to this one is here, or not kept any more. */
  readonly upTo: number;
  /** An entry that is applied here, at or after all of them. */
  readonly index: LogIndex;
}

/** Reads the events after the one of this number from the state. @throws {HiqliteError} as queries do. */
export async function readEvents(
  machine: SqlMachine,
  after: number,
): Promise<EventPage> {
  // What was published before the read and is not found by it is gone.
  const { last } = machine.retainedEvents;
  const { rows } = await machine.query({ sql: PAGE, params: [after] });
  const events = (rows as EventRow[]).map(eventOf);
  return {
    events,
    upTo: events.at(-1)?.number ?? Math.max(after, last),
    index: Math.max(machine.applied.index, events.at(-1)?.index ?? 0),
  };
}

type EventRow = [
  number: number,
  index: number,
  topic: string,
  kind: number,
  bytes: Uint8Array,
];

function eventOf([number, index, topic, kind, bytes]: EventRow): Published {
  const data: StoredValue = { kind: VALUE_KINDS[kind]!, bytes };
  return { number, index, topic, data };
}
