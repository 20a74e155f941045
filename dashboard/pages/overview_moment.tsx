import type { VNode } from "preact";
import { formatDateTime } from "../format.ts";
import { Button } from "../parts/button.tsx";
import { CopyButton } from "../parts/copy_button.tsx";
import { href } from "../route.ts";
import { go, route } from "../router.ts";

/** Events so long before and after a moment stand with it, ms. */
export const AROUND_MS = 60_000;

/** The moment that the address names, ms since 1970; null: none. */
export function momentOf(): number | null {
  const text = route.value.query.get("at") ?? "";
  return /^\d{12,14}$/.test(text) ? Number(text) : null;
}

/** Has a moment stand out, in the address, too; null: none. */
export function setMoment(ms: number | null): void {
  go("overview", [], ms === null ? {} : { at: `${ms}` }, true);
}

/** Which moment stands out, with a link to it. */
export function MomentBar({ at }: { readonly at: number }): VNode {
  const link = new URL(href("overview", [], { at: `${at}` }), location.href);
  return (
    <div class="actions" role="status">
      <span>
        Marked: <strong>{formatDateTime(at)}</strong>
      </span>
      <CopyButton
        icon="link"
        label="Copy a link to this moment"
        text={link.href}
      />
      <Button
        compact
        look="plain"
        icon="x"
        label="Mark nothing"
        onClick={() => setMoment(null)}
      />
    </div>
  );
}
