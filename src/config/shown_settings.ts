import type { Setting } from "./setting.ts";
import { SETTINGS } from "./settings.ts";
import type { NodeConfig } from "./types.ts";

/** A setting as people are shown it. */
export interface ShownSetting {
  /** Its name in the configuration file. */
  readonly key: string;
  /** Its variable. */
  readonly env: string;
  /** What counts; of a secret `set` or `not set`. */
  readonly value: unknown;
  /** Nobody said otherwise. */
  readonly isDefault: boolean;
  readonly secret: boolean;
  readonly about: string;
}

/** The configuration that counts, without its secrets. */
export function shownSettings(config: NodeConfig): ShownSetting[] {
  const plain = Object.entries(SETTINGS) as [
    keyof NodeConfig,
    Setting<unknown>,
  ][];
  return [
    {
      key: "node_id",
      env: "HQL_NODE_ID",
      value: config.nodeId,
      isDefault: false,
      secret: false,
      about: "Which node this member is.",
    },
    {
      key: "nodes",
      env: "HQL_NODES",
      value: config.nodes,
      isDefault: false,
      secret: false,
      about: "The members: id, Raft address and API address of each.",
    },
    ...plain.map(([field, { toml, env, fallback, secret, about }]) => {
      const value = config[field];
      const isEmpty = value === "" ||
        Array.isArray(value) && value.length === 0;
      return {
        key: toml,
        env,
        value: secret ? (isEmpty ? "not set" : "set") : value,
        isDefault: JSON.stringify(value) === JSON.stringify(fallback),
        secret,
        about,
      };
    }),
  ];
}
