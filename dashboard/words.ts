/** What an error means, in words for people. */
export interface Explanation {
  /** What happened. */
  readonly title: string;
  /** What it means and what to do. */
  readonly advice: string;
}

/** By the error's code. What is not here is told in the server's words alone. */
const BY_CODE: Readonly<Record<string, Explanation>> = {
  sql: {
    title: "The statement is wrong",
    advice: "Nothing was changed. The message names the place.",
  },
  constraint: {
    title: "A rule of the table refused this",
    advice: "Nothing was changed.",
  },
  invalid: { title: "This cannot be done so", advice: "Nothing was changed." },
  too_large: {
    title: "Too much at once",
    advice: "The message names the limit.",
  },
  forbidden: {
    title: "This is not allowed here",
    advice: "Sign in as an administrator, or use a statement that only reads.",
  },
  unauthorized: {
    title: "You are signed out",
    advice: "Sign in again; what you typed is kept.",
  },
  not_found: {
    title: "There is no such thing any more",
    advice: "It may have been removed meanwhile. Load the page again.",
  },
  conflict: {
    title: "The present state does not allow this",
    advice: "The message says what stands against it.",
  },
  precondition_failed: {
    title: "It changed since you opened it",
    advice: "Nothing was overwritten. Load it again, then save.",
  },
  cache_full: {
    title: "The cache has no room for this",
    advice: "Remove something, or raise the cache's limit.",
  },
  timeout: {
    title: "It took too long and was ended",
    advice:
      "Queries end after 10 s unless `query_timeout_ms` says otherwise. Nothing was changed.",
  },
  no_leader: {
    title: "No leader right now",
    advice:
      "Reads from this member still work. Writes work again once a majority of members has elected a leader.",
  },
  overloaded: {
    title: "The cluster has more to do than it can",
    advice: "Nothing was changed. Wait a moment and try again.",
  },
  disk_full: {
    title: "The member's disk is full",
    advice:
      "Reads still work. Free some space; writes then go on by themselves.",
  },
  outcome_unknown: {
    title: "It is not known whether this was done",
    advice:
      "The leader was lost before it answered, or its answer. Check again: a repetition is never applied twice.",
  },
  session_expired: {
    title: "Too late to try this again",
    advice: "Nothing was applied a second time. Look at the data, then decide.",
  },
  shutting_down: {
    title: "This member is stopping",
    advice: "Another member can answer meanwhile.",
  },
  unreachable: {
    title: "The member does not answer",
    advice: "What is shown stays as it was. The page tries again by itself.",
  },
  internal: {
    title: "A defect in the server",
    advice: "Its log has the details. Please report it.",
  },
};

/** What an error with this code means. */
export function explain(code: string): Explanation {
  return BY_CODE[code] ??
    { title: "This did not work", advice: "The message says why." };
}

/** The role of a member, in a word. */
export const ROLE_WORDS: Readonly<Record<string, string>> = {
  leader: "Leader",
  voter: "Follower",
  learner: "Learner",
};

/** Who is signed in, in a word. */
export const SIGNED_IN_WORDS: Readonly<Record<string, string>> = {
  admin: "Administrator",
  viewer: "Viewer",
};

/** What happened to a member, in a word or two. */
export const EVENT_WORDS: Readonly<Record<string, string>> = {
  started: "Started",
  stopping: "Stopping",
  leader: "Leader",
  leaderless: "No leader",
  transfer: "Transfer",
  contact_lost: "Contact lost",
  contact_regained: "Contact back",
  snapshot_sent: "Snapshot",
  snapshot_received: "Snapshot",
  snapshot_installed: "Snapshot",
  member_added: "Added",
  member_removed: "Removed",
  member_promoted: "Promoted",
  member_demoted: "Demoted",
  disk_full: "Disk full",
  disk_room: "Disk has room",
  quarantined: "Quarantined",
  released: "Released",
  writes_refused: "Refused",
};
