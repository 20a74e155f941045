import { RESOURCES, ROUTES } from "./openapi.ts";
import type { Repeat } from "./route.ts";

/** Whether a request may be sent again, by what the API says of its route; an unknown one, never. */
export function repeatOf(method: string, path: string): Repeat {
  if (method === "GET" || method === "HEAD") return "safe";
  const route = ROUTES.find((each) =>
    each.method === method && each.path === path
  );
  if (route !== undefined) return route.repeat;
  const resource = PATTERNS.find((each) =>
    each.method === method && each.pattern.test(path)
  );
  return resource?.repeat ?? "never";
}

/** Things with a path of their own that may be asked again; a part in braces may hold slashes only at the end of a path, where keys stand. */
const PATTERNS = Object.values(RESOURCES)
  .filter(({ keyed, safe }) => keyed || safe)
  .map(({ method, path, safe }) => ({
    method,
    repeat: (safe ? "safe" : "keyed") as Repeat,
    pattern: new RegExp(
      `^${
        path.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&")
          .replaceAll(/\{\w+\}/g, "[^/]+")
      }$`,
    ),
  }));
