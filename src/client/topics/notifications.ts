import type { WriteNotice } from "../../state/sql/types.ts";
import { storedOf } from "../stored_values.ts";
import type { Notification, NotifyOption } from "./types.ts";

/** What a write publishes, as commands carry it. @throws {HiqliteError} `invalid` for data that JSON cannot say. */
export function noticesOf(
  { notify }: NotifyOption,
): { readonly notify?: readonly WriteNotice[] } {
  if (notify === undefined || notify.length === 0) return {};
  return { notify: notify.map(noticeOf) };
}

function noticeOf({ topic, data }: Notification): WriteNotice {
  const isReference = typeof data === "object" && data !== null &&
    Object.hasOwn(data, "$ref");
  return {
    topic,
    data: isReference ? data as WriteNotice["data"] : storedOf(data),
  };
}
