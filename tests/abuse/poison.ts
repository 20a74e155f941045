import type { Random } from "../../src/util/random.ts";

/** The member that a poison is given to. */
export interface Victim {
  readonly hostname: string;
  readonly apiPort: number;
  readonly raftPort: number;
}

/** What became of a poison. */
export interface Outcome {
  /** What was sent, cut short. */
  readonly what: string;
  /** The error's code, `ok`, `none` for no answer in time, `-` where none is due. */
  readonly code: string;
  readonly ms: number;
}

/** A kind of poison; each call draws another one. */
export type Poison = (victim: Victim, random: Random) => Promise<Outcome>;

/** Codes that tell a client what happened to its request, and that it took no effect. */
const PRECISE: ReadonlySet<string> = new Set([
  ...["ok", "-", "sql", "constraint", "invalid", "too_large", "forbidden"],
  ...["timeout", "overloaded", "disk_full", "unauthorized", "not_found"],
]);

/** Whether the answer says what happened. */
export function isPrecise({ code }: Outcome): boolean {
  return PRECISE.has(code);
}
