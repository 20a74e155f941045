import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call, newIdempotencyKey } from "../api.ts";
import { formatInteger } from "../format.ts";
import { Button } from "../parts/button.tsx";
import { Confirm } from "../parts/confirm.tsx";
import { say } from "../state/toasts.ts";
import { whyNotWrite } from "../state/write_mode.ts";
import type { JsonKvValue } from "../../src/api/cache_json.ts";
import type { JsonCachePage } from "../../src/api/dashboard/cache.ts";

/** So many keys are asked for at a time: as many as the route gives. */
const PAGE = 1000;
/** So many are deleted by one entry of the log. */
const BATCH = 500;
/** More than so many are not deleted from here. */
const MOST = 10_000;

/** Keys that begin alike. */
interface Prefixed {
  readonly cache: string;
  readonly prefix: string;
}

/** Deletes the keys that begin so, once their number was typed. */
export function DeletePrefix(
  { onClosed, ...where }: Prefixed & { readonly onClosed: () => void },
): VNode {
  const [keys, setKeys] = useState<readonly JsonKvValue[] | null>(null);
  const [busy, setBusy] = useState(false);
  const count = async (): Promise<void> => {
    setBusy(true);
    try {
      const found = await keysOf(where);
      if (found.length > MOST) {
        say(
          `More than ${
            formatInteger(MOST)
          } keys begin so: choose a longer prefix.`,
          "danger",
        );
      } else if (found.length === 0) say("No key begins so any more.");
      else setKeys(found);
    } catch (error) {
      say((error as Error).message, "danger");
    } finally {
      setBusy(false);
    }
  };
  const close = (): void => {
    setKeys(null);
    onClosed();
  };
  return (
    <>
      <Button
        compact
        refused={whyNotWrite.value ?? (busy ? "The keys are counted" : null)}
        onClick={() => void count()}
      >
        Delete these …
      </Button>
      {keys === null ? null : (
        <Confirm
          danger
          title="Delete by prefix"
          verb={`Delete ${formatInteger(keys.length)}`}
          typed={{ what: "their number", text: String(keys.length) }}
          act={async () => {
            await remove(where.cache, keys);
            say(`Deleted ${formatInteger(keys.length)}.`);
          }}
          onClose={close}
        >
          <p>
            Every key of <strong class="break">{where.cache}</strong>{" "}
            that begins with{" "}
            <code class="break">{where.prefix}</code>, as they were just
            counted. What is written from now on stays.
          </p>
        </Confirm>
      )}
    </>
  );
}

/** All keys that begin so, or one page more than may be deleted from here. */
async function keysOf({ cache, prefix }: Prefixed): Promise<JsonKvValue[]> {
  const keys: JsonKvValue[] = [];
  for (let more = true; more && keys.length <= MOST;) {
    const last = keys.at(-1);
    const page = await call("cacheList", {
      body: {
        cache,
        prefix,
        limit: PAGE,
        ...(last === undefined ? {} : { after: last }),
      },
    }) as JsonCachePage;
    keys.push(...page.entries.map(({ key }) => key));
    more = page.more;
  }
  return keys;
}

async function remove(
  cache: string,
  keys: readonly JsonKvValue[],
): Promise<void> {
  for (let at = 0; at < keys.length; at += BATCH) {
    const ops = keys.slice(at, at + BATCH)
      .map((key) => ({ op: "delete", cache, key }));
    await call("cacheWrite", {
      body: { ops },
      idempotencyKey: newIdempotencyKey(),
    });
  }
}
