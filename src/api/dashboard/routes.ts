/** What a person who signed in may do: look, or everything. */
export type DashboardRole = "viewer" | "admin";

/** One route of the dashboard's page, as data: the server mounts it, the page asks it, a test walks them all. */
export interface DashboardRoute {
  readonly method: "GET" | "POST" | "DELETE";
  /** Below `<base>/api/`. */
  readonly path: string;
  /** What its caller must be; `open`: nobody in particular. */
  readonly role: DashboardRole | "open";
  /** Changes data or the cluster: needs the header {@linkcode WRITE_HEADER}, which the page sends in write mode only. */
  readonly writes: boolean;
  /** One sentence for people. */
  readonly summary: string;
}

/** Sent with the value `1` by what changes something. */
export const WRITE_HEADER = "x-hiqlite-write";

/** The server's version, in every answer: the page offers to load itself again when it is from another one. */
export const VERSION_HEADER = "x-hiqlite-version";

/**
 * Sent with the value `1` by requests that the page makes by itself, as the polls of the overview: they do not
 * prolong a session.
 */
export const BACKGROUND_HEADER = "x-hiqlite-background";

/** Every route of the page. */
export const DASHBOARD_ROUTES = {
  session: open("GET", "session", "Who is signed in, and what there is."),
  login: open("POST", "session", "Sign in with a password or a link."),
  logout: open("DELETE", "session", "Sign out, on every member."),
  overview: looks("GET", "overview", "The cluster and every member's report."),
  series: looks(
    "GET",
    "series",
    "Measurements over time; `?step_ms=1000|60000&from_ms=`.",
  ),
  events: looks(
    "GET",
    "events",
    "What happened to the members; `?after=1:17,2:4&limit=`, the number of the last known event of each node.",
  ),
  schema: looks("GET", "schema", "Tables, views, indexes and triggers."),
  analyze: looks("POST", "sql/analyze", "What statements would do; runs none."),
  query: looks("POST", "sql/query", "Run a reading statement."),
  write: changes(
    "sql/write",
    "Run writing statements, all or nothing; `?run=&file=` of a file that is sent in parts.",
  ),
  export: looks("POST", "sql/export", "All rows of a query, as a stream."),
  import: changes(
    "sql/import",
    "Insert rows, up to 500 at a time; `?run=&file=` as for writing.",
  ),
  transfer: changes("members/transfer", "Move leadership."),
  addLearner: changes("members/add-learner", "Add a member."),
  promote: changes("members/promote", "Make a learner a voter."),
  demote: changes("members/demote", "Make a voter a learner."),
  remove: changes("members/remove", "Remove a member."),
  backups: looks("GET", "backups", "The last hundred backups."),
  backupBegin: changes("backups", "Begin a backup."),
  backupFile: {
    ...looks("GET", "backups/file", "A backup as a file; `?name=`."),
    role: "admin",
  },
  caches: looks("GET", "cache", "The caches, with their sizes."),
  cacheList: looks("POST", "cache/list", "A page of a cache's keys."),
  cacheGet: looks("POST", "cache/get", "Entries by their keys."),
  cacheWrite: changes("cache/write", "Change entries, all or nothing."),
  locks: looks("GET", "locks", "Who holds which lock."),
  notify: looks("GET", "notify", "What is published, as it comes."),
  audit: looks("GET", "audit", "Who did what from here."),
  slow: {
    ...looks("GET", "slow", "The last slow statements of every member."),
    role: "admin",
  },
  settings: looks("GET", "settings", "The member's configuration."),
} as const satisfies Readonly<Record<string, DashboardRoute>>;

/** The name of a route. */
export type DashboardRouteName = keyof typeof DASHBOARD_ROUTES;

function open(
  method: DashboardRoute["method"],
  path: string,
  summary: string,
): DashboardRoute {
  return { method, path, role: "open", writes: false, summary };
}

function looks(
  method: "GET" | "POST",
  path: string,
  summary: string,
): DashboardRoute {
  return { method, path, role: "viewer", writes: false, summary };
}

function changes(path: string, summary: string): DashboardRoute {
  return { method: "POST", path, role: "admin", writes: true, summary };
}
