import { pause } from "../util/abort.ts";
import { HiqliteError } from "../errors.ts";
import {
  type ClusterView,
  EXIT_CODES,
  judge,
  viewLines,
  viewToJson,
} from "./cluster_view.ts";
import { firstStatus } from "./first_status.ts";
import type { Reachable } from "./reachable.ts";
import type { Terminal } from "./terminal.ts";

/** Between two looks, ms. */
const LOOK_MS = 1_000;
/** Takes the cursor to the top and forgets what was on the screen. */
const CLEAR = "\x1b[H\x1b[2J";

/** How a cluster is shown. */
export interface ShowOptions {
  readonly json: boolean;
  /** Longest wait for an answer, ms. */
  readonly timeoutMs: number;
}

/** Shows a cluster once. Answers the exit code that says how it is. */
export async function showCluster(
  members: Reachable,
  { json, timeoutMs }: ShowOptions,
  terminal: Terminal,
): Promise<number> {
  const view = await firstStatus(members, timeoutMs, terminal);
  const lines = json
    ? [JSON.stringify(viewToJson(view), null, 2)]
    : viewLines(view);
  for (const line of lines) terminal.out(line);
  return codeOf(view);
}

/** Shows a cluster every second until a signal: on a screen in place of what was there, in JSON a line each. Answers the exit code of the last look. */
export async function watchCluster(
  members: Reachable,
  { json, timeoutMs }: ShowOptions,
  terminal: Terminal,
): Promise<number> {
  const stop = new AbortController();
  const forget = terminal.onStop(() => stop.abort());
  let code = 1;
  try {
    while (!stop.signal.aborted) {
      const clear = !json && terminal.interactive ? CLEAR : "";
      try {
        const view = await firstStatus(members, timeoutMs, terminal);
        code = codeOf(view);
        const lines = json
          ? [JSON.stringify({ time: new Date(), ...viewToJson(view) })]
          : [`${clear}${new Date().toISOString()}`, ...viewLines(view), ""];
        for (const line of lines) terminal.out(line);
      } catch (error) {
        if (!(error instanceof HiqliteError)) throw error;
        code = 1;
        terminal.error(`${clear}hiqlite cluster: ${error.message}`);
      }
      await pause(LOOK_MS, stop.signal);
    }
  } finally {
    forget();
  }
  return code;
}

function codeOf(view: ClusterView): number {
  return EXIT_CODES[judge(view).health];
}
