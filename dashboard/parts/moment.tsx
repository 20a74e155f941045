import type { VNode } from "preact";
import { formatDateTime, formatMoment } from "../format.ts";
import { serverNow } from "../state/session.ts";

/** When something was, ms since 1970, as people say it; the whole of it at a closer look. */
export function Moment({ at }: { readonly at: number }): VNode {
  return (
    <time
      class="nowrap"
      dateTime={new Date(at).toISOString()}
      title={formatDateTime(at)}
    >
      {formatMoment(at, serverNow())}
    </time>
  );
}
