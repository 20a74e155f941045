import type { MemberEvent } from "../node/telemetry_port.ts";
import { connect } from "../client/remote.ts";
import { pause } from "../util/abort.ts";
import { toldToJson } from "../api/telemetry_json.ts";
import { printable } from "./shell/value_text.ts";
import type { Reachable } from "./reachable.ts";
import type { Terminal } from "./terminal.ts";

/** Between two looks with `--watch`, ms. */
const LOOK_MS = 1_000;

/** How events are shown. */
export interface EventsOptions {
  readonly json: boolean;
  /** Go on until a signal. */
  readonly watch: boolean;
  /** Only the newest so many; with `watch`, of those that were there before. */
  readonly limit: number;
  readonly timeoutMs: number;
}

/** Shows what happened to the members, a line each. */
export async function showEvents(
  members: Reachable,
  { json, watch, limit, timeoutMs }: EventsOptions,
  terminal: Terminal,
): Promise<number> {
  const stop = new AbortController();
  const forget = terminal.onStop(() => stop.abort());
  await using client = connect({ ...members, timeoutMs });
  const after: Record<number, number> = {};
  let silent = "";
  try {
    for (let wanted = limit;; wanted = 2_000) {
      const told = await client.memberEvents({ after, limit: wanted });
      for (const event of told.events) {
        after[event.nodeId] = event.number;
        terminal.out(json ? jsonLine(event) : textLine(event));
      }
      const now = told.silent.join(", ");
      if (now !== silent && now !== "") {
        terminal.error(`hiqlite cluster: No answer from node ${now}`);
      }
      silent = now;
      if (!watch) return 0;
      await pause(LOOK_MS, stop.signal);
      if (stop.signal.aborted) return 0;
    }
  } finally {
    forget();
  }
}

function jsonLine(event: MemberEvent): string {
  const told = { events: [event], silent: [] };
  const { events } = toldToJson(told) as { readonly events: unknown[] };
  return JSON.stringify(events[0]);
}

function textLine(event: MemberEvent): string {
  const { atMs, nodeId, kind, group, text } = event;
  const where = group === null || group === "db" ? "" : `${group}: `;
  const time = new Date(Math.min(atMs, 8.64e15)).toISOString();
  return `${time}  node ${nodeId}  ${kind.padEnd(18)}  ${
    printable(where + text)
  }`;
}
