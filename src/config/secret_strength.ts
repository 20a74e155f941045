import type { NodeConfig } from "./types.ts";

/** At least this many characters make a secret. */
export const SECRET_LENGTH_MIN = 16;
/** At least this many of them are different. */
export const SECRET_VARIETY_MIN = 6;
/** A shorter one can be guessed by who tries it on what was recorded. */
const ADVISED_LENGTH = 24;

/** Secrets of published examples. Their manifests shall run as they are, so they are only warned of. */
const SAMPLES: ReadonlySet<string> = new Set([
  "123SuperMegaSafeRandomValue",
  "SuperSecureSecret1337",
]);

/** Whether a text can be a secret at all. */
export function canBeSecret(text: string): boolean {
  return text.length >= SECRET_LENGTH_MIN && /^[\x21-\x7e]+$/.test(text) &&
    new Set(text).size >= SECRET_VARIETY_MIN;
}

/** What is weak about the secrets of a configuration, as sentences without them. */
export function secretWarnings(
  { secretRaft, secretApi }: Pick<NodeConfig, "secretRaft" | "secretApi">,
): string[] {
  const warnings: string[] = [];
  const secrets = [["secret_raft", secretRaft], ["secret_api", secretApi]];
  for (const [key, secret] of secrets as [string, string][]) {
    if (SAMPLES.has(secret)) {
      warnings.push(
        `${key} is the one of a published example, which everybody knows: draw another (hiqlite generate-config does)`,
      );
    } else if (secret.length < ADVISED_LENGTH) {
      warnings.push(
        `${key} has ${secret.length} characters: take ${ADVISED_LENGTH} or more, drawn at random (hiqlite generate-config does)`,
      );
    }
  }
  if (secretRaft === secretApi) {
    warnings.push(
      "secret_raft and secret_api are the same: whoever may use the API could be a member of the cluster; draw another",
    );
  }
  return warnings;
}
