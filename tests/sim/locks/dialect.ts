import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { StateEvent } from "../../../src/state/port.ts";
import { hashSqlAnswer } from "../../../src/state/sqlite/apply/agreement.ts";
import { VALUE_KINDS } from "../../../src/state/stored_value.ts";
import { readToldEvent, TOPIC_EVENT } from "../../../src/state/topics/event.ts";
import { ByteReader } from "../../../src/util/bytes.ts";
import type { Dialect } from "../dialect.ts";
import { scratch } from "../sql_model.ts";
import { judge } from "./judge.ts";
import { LockModel } from "./model.ts";

/** Leases, locks, fences and topics on real SQLite files. Its clients are `LockClient`s, who ask in their own words. */
export function lockDialect(): Dialect {
  const dir = scratch();
  let files = 0;
  return {
    write: () => {
      throw new Error("Nothing is asked of keys here");
    },
    attemptOf: (_, key) => Number(key),
    valueOf: () => "",
    operate: (_, value) => ({ value, answer: "" }),
    hash: (answer, events) => hashSqlAnswer(answer, hashPublished(events)),
    model: (bytes) => new LockModel(join(dir, String(++files)), bytes),
    judge,
    close: () => Deno.removeSync(dir, { recursive: true }),
  };
}

/** A checksum over what an entry publishes; 0 for nothing. */
function hashPublished(events: readonly StateEvent[]): number {
  let hash = 0;
  for (const { kind, bytes } of events) {
    if (kind !== TOPIC_EVENT) continue;
    const { topic, data } = readToldEvent(new ByteReader(bytes));
    const code = VALUE_KINDS.indexOf(data!.kind);
    hash = crc32(data!.bytes, crc32(`${topic} ${code}`, hash));
  }
  return hash;
}
