// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
/** Writes one round after the other into the store of a folder until it is killed; says which are committed. */
import { checkpoint } from "../store_subject.ts";
import { openStore, ready, writeRound } from "./folder.ts";

const store = openStore(Deno.args[0]!, { walMax: 1024 * 1024 });
for (let round = (store.position?.applied.index ?? 0) + 1;; round++) {
  await ready(store);
  writeRound(store, round);
  console.log(round);
  // Some are followed by checkpoints that are under way when it ends.
  if (round % 5 === 0) checkpoint(store);
  if (round % 7 === 0) await checkpoint(store);
}
