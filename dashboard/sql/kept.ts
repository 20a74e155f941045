import { type ReadonlySignal, signal } from "@preact/signals";
import { readStored, removeStored, writeStored } from "../state/stored.ts";

const KEEP = "hiqlite.keep";
const PREFIX = "hiqlite.sql.";

const keeps = signal(readStored(KEEP) !== "nothing");

/** Whether texts and history of the SQL page stay on this device. Results never do. */
export const keepsTexts: ReadonlySignal<boolean> = keeps;

/** Keeps them from now on, or forgets them at once. */
export function setKeepsTexts(keep: boolean): void {
  keeps.value = keep;
  writeStored(KEEP, keep ? "texts" : "nothing");
  if (!keep) removeStored(PREFIX);
}

/** What is kept of a cluster under a name; null of nothing, or of what is no JSON any more. */
export function readKept(cluster: string, name: string): unknown {
  try {
    return JSON.parse(readStored(`${PREFIX}${cluster}.${name}`) ?? "null");
  } catch {
    return null;
  }
}

/** Keeps it, if anything is kept. */
export function keep(cluster: string, name: string, value: unknown): void {
  if (keeps.value) {
    writeStored(`${PREFIX}${cluster}.${name}`, JSON.stringify(value));
  }
}
