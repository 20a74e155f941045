import { HiqliteError } from "../../../errors.ts";
import { eventDataOf } from "../../sql/event_data.ts";
import type { SqlValue } from "../../sql/types.ts";
import type { Notices } from "../../topics/notice.ts";
import {
  FAIL,
  type FunctionResult,
  type SqliteConnection,
} from "../driver/driver.ts";
import { wordsOf } from "../statement/text.ts";
import { NOTIFY_FUNCTION } from "../statement/rules.ts";

/** Where the function leaves what is to be published, and why it failed. */
export interface NotifyContext {
  readonly notices: Notices;
  failure: string | null;
}

/**
 * Defines `hql_notify(topic, data [, 'json'])`: it publishes an event if its entry is applied. What it was
 * called for is gathered, and stored when the statements have ended, so that what SQLite counts stays the statement's.
 */
export function defineNotify(
  connection: SqliteConnection,
  context: NotifyContext,
): void {
  connection.define(NOTIFY_FUNCTION, false, (...args): FunctionResult => {
    try {
      notify(context.notices, args);
      return null;
    } catch (error) {
      context.failure = `${NOTIFY_FUNCTION}(): ${(error as Error).message}`;
      return FAIL;
    }
  });
}

function notify(notices: Notices, args: readonly SqlValue[]): void {
  const [topic, data, kind] = args;
  if (args.length < 2 || args.length > 3) {
    throw new HiqliteError("invalid", "expected a topic and the data");
  }
  if (args.length === 3 && kind !== "json") {
    throw new HiqliteError("invalid", "the third argument can only be 'json'");
  }
  notices.add({
    topic: topic as string,
    data: eventDataOf(data!, kind === "json"),
  });
}

/** Why a statement must not be compiled that has the function where it would be called at other times than a statement runs, or null. */
export function refuseNotify(keyword: string, sql: string): string | null {
  if (keyword !== "CREATE" && keyword !== "ALTER") return null;
  const words = [...wordsOf(sql)].map(({ word }) => word);
  if (!words.includes(NOTIFY_FUNCTION.toUpperCase())) return null;
  const [, second, third] = words;
  const isTrigger = second === "TRIGGER" ||
    /^TEMP(ORARY)?$/.test(second ?? "") && third === "TRIGGER";
  return isTrigger
    ? null
    : `${NOTIFY_FUNCTION}() is for statements and triggers: no table, index or view may contain it`;
}
