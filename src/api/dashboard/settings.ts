/** The answer of `GET settings`: the configuration that counts. */
export interface JsonSettings {
  readonly settings: readonly JsonSettingRow[];
}

/** A setting. */
export interface JsonSettingRow {
  /** Its name in the configuration file, such as `log_sync`. */
  readonly key: string;
  /** Its variable, such as `HQL_LOG_SYNC`. */
  readonly env: string;
  /** What counts, as JSON; of a secret `"set"` or `"not set"`. */
  readonly value: unknown;
  /** Nobody said otherwise. */
  readonly is_default: boolean;
  readonly secret: boolean;
  readonly about: string;
}
