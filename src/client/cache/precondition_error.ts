import { HiqliteError } from "../../errors.ts";

/** A check or condition does not hold; nothing was done. Its code is `precondition_failed`. */
export class PreconditionError extends HiqliteError {
  /** `PreconditionError` */
  override readonly name: string = "PreconditionError";
  /** The version of the entry there; null if there is none, or none that the asked version could be compared with. */
  readonly version: string | null;
  /** Which check or operation of a batch, checks first, from 0. */
  readonly at: number;

  /** `message` says what was found. */
  constructor(message: string, version: string | null, at: number) {
    super("precondition_failed", message);
    this.version = version;
    this.at = at;
  }
}
