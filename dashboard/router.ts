import { type ReadonlySignal, signal } from "@preact/signals";
import type { PageName } from "./pages.ts";
import { href, parseRoute, type Route } from "./route.ts";

const current = signal(parseRoute(location.hash));

/** Where the page is now. All of it is in the fragment, so that it never reaches a server's logs. */
export const route: ReadonlySignal<Route> = current;

addEventListener("hashchange", () => {
  current.value = parseRoute(location.hash);
});

/** Goes to a place. `replace` leaves no entry in the history. */
export function go(
  page: PageName,
  path: readonly string[] = [],
  query: Readonly<Record<string, string>> = {},
  replace = false,
): void {
  const target = href(page, path, query);
  if (replace) {
    history.replaceState(null, "", target);
    current.value = parseRoute(target);
  } else {
    location.hash = target;
  }
}
