import type { Poison } from "./poison.ts";
import {
  drawDisk,
  drawFull,
  drawMemory,
  drawPanic,
  drawTime,
  sqlPoison,
} from "./sql.ts";
import { bodies, frames, sockets } from "./wire.ts";

/** Every kind of poison by its name on the command line. */
export const KINDS: Readonly<Record<string, Poison>> = {
  time: sqlPoison(drawTime),
  memory: sqlPoison(drawMemory),
  panic: sqlPoison(drawPanic),
  disk: sqlPoison(drawDisk),
  full: sqlPoison(drawFull),
  sockets,
  bodies,
  frames,
};

/** The poison of this name. @throws {RangeError} if there is none. */
export function kindNamed(name: string): Poison {
  const kind = KINDS[name];
  if (kind !== undefined) return kind;
  throw new RangeError(
    `no kind "${name}", there are ${Object.keys(KINDS).join(", ")}`,
  );
}
