import type { StoredValue } from "../../../../src/state/stored_value.ts";
import type { CommandBody } from "../../../../src/state/sql/types.ts";
import type { Direct } from "../direct.ts";

/** A text as events carry it. */
export function text(value: string): StoredValue {
  return { kind: "text", bytes: new TextEncoder().encode(value) };
}

/** A command that publishes texts, `topic=text` each. */
export function notify(...notices: string[]): CommandBody {
  return {
    kind: "notify",
    notices: notices.map((notice) => {
      const [topic, value] = notice.split("=");
      return { topic: topic!, data: text(value!) };
    }),
  };
}

/** What a member keeps, as `number@index topic=text`. */
export function stored(on: Direct): string[] {
  return on.rows("SELECT n, idx, topic, data FROM _hql_events ORDER BY n")
    .map(([n, index, topic, data]) =>
      `${n}@${index} ${topic}=${new TextDecoder().decode(data as Uint8Array)}`
    );
}

/** The topics and texts of what is kept, without where it stands. */
export function published(on: Direct): string[] {
  return stored(on).map((line) => line.split(" ")[1]!);
}
