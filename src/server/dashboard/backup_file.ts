import { HiqliteError } from "../../errors.ts";
import { invalid } from "../../api/json.ts";
import { queryOf } from "../routes/cache_path.ts";
import type { DashboardHandler } from "./asking.ts";
import { byteStream } from "./byte_stream.ts";
import { type HandlerParts, untilSignedOut } from "./handler_parts.ts";

/** Backups that are on their way to browsers at a time: each takes from the disk or the store what others need. */
const AT_ONCE = 2;
/** How long a browser may take nothing, ms. */
const STALL_MS = 120_000;

/** A finished backup as a plain SQLite file. */
export function sendBackup(parts: HandlerParts): DashboardHandler {
  let sent = 0;
  return async ({ context, session, deed }) => {
    const name = queryOf(context.req.raw, ["name"]).key("name");
    if (name === undefined) throw invalid("name", "is missing");
    deed.detail = name;
    if (sent >= AT_ONCE) {
      throw new HiqliteError(
        "overloaded",
        `${AT_ONCE} backups are on their way to browsers: wait until one is there`,
      );
    }
    sent++;
    try {
      const { size, bytes } = await parts.member.backups.file(name);
      const body = byteStream({
        bytes,
        lasts: untilSignedOut(parts.sessions, session),
        stallMs: STALL_MS,
        ended: () => sent--,
      });
      return context.body(body, 200, {
        "content-type": "application/vnd.sqlite3",
        "content-length": `${size}`,
        // The name is one of the list: letters, digits, "_" and ".".
        "content-disposition": `attachment; filename="${name}"`,
      });
    } catch (error) {
      sent--;
      throw error;
    }
  };
}
