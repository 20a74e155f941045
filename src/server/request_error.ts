import { HiqliteError } from "../errors.ts";

/** A malformed request for which HTTP has a status of its own (405, 408, 415). */
export class RequestError extends HiqliteError {
  override readonly name = "RequestError";
  /** The HTTP status. */
  readonly status: number;

  /** An error with code `invalid` and this status. */
  constructor(status: number, message: string) {
    super("invalid", message);
    this.status = status;
  }
}
