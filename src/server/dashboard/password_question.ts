/** What the Worker that checks passwords is asked: the first hash that is of this password. It answers its place, or null. */
export interface PasswordQuestion {
  readonly password: string;
  readonly hashes: readonly string[];
}
