/** A Worker that stands back and tells its priority. */
import { getPriority } from "node:os";
import { standBack } from "../../src/util/stand_back.ts";

standBack();
(self as unknown as { postMessage(priority: number): void })
  .postMessage(getPriority(0));
