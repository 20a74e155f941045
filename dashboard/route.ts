import { isPageName, type PageName } from "./pages.ts";

/** Where the page is: `#/data/note?sort=id` is the page `data`, the path `note` and a query. */
export interface Route {
  /** `unknown`: no page has this name. */
  readonly page: PageName | "unknown";
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** The route that a fragment means; an empty one is the overview. */
export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#\/?/, "");
  const at = text.indexOf("?");
  const [name = "", ...path] = (at < 0 ? text : text.slice(0, at)).split("/")
    .map(decoded);
  return {
    page: name === "" ? "overview" : isPageName(name) ? name : "unknown",
    path: path.filter((part) => part !== ""),
    query: new URLSearchParams(at < 0 ? "" : text.slice(at + 1)),
  };
}

/** The link to a place. */
export function href(
  page: PageName,
  path: readonly string[] = [],
  query: Readonly<Record<string, string>> = {},
): string {
  const search = new URLSearchParams(query).toString();
  const parts = [page, ...path].map(encodeURIComponent).join("/");
  return `#/${parts}${search === "" ? "" : `?${search}`}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
