import assert from "node:assert/strict";
import { passwordWarnings } from "../../src/config/dashboard_settings.ts";
import {
  resolveConfig,
  type ResolvedConfig,
} from "../../src/config/resolve.ts";
import { ConfigError } from "../../src/errors.ts";

/** Hiqlite's documented sample, of "123SuperMegaSafe". */
const SAMPLE =
  "JGFyZ29uMmlkJHY9MTkkbT0xOTQ1Nix0PTIscD0xJGQ2RlJDYTBtaS9OUnkvL1RubmZNa0EkVzJMeTQrc1dxZ0FGd0RyQjBZKy9iWjBQUlZlOTdUMURwQkk5QUoxeW1wRQ==";
const CHEAP = btoa(
  `$argon2id$v=19$m=32,t=2,p=1$${"a".repeat(22)}$${"b".repeat(43)}`,
);

function resolve(env: Record<string, string>): ResolvedConfig {
  return resolveConfig({
    env: {
      HQL_SECRET_RAFT: "raft-secret-0123456789",
      HQL_SECRET_API: "api-secret-0123456789",
      ...env,
    },
  });
}

function refusal(env: Record<string, string>): string {
  try {
    resolve(env);
  } catch (error) {
    assert(error instanceof ConfigError, String(error));
    return error.message;
  }
  throw new assert.AssertionError({ message: "it was taken" });
}

Deno.test("Hiqlite's hash of a password and its HQL_INSECURE_COOKIE are taken as they are", () => {
  const { config, notices } = resolve({
    HQL_PASSWORD_DASHBOARD: `${SAMPLE.slice(0, 60)}\n  ${SAMPLE.slice(60)}\n`,
    HQL_INSECURE_COOKIE: "true",
  });
  assert.equal(config.passwordDashboard, SAMPLE);
  assert.equal(config.passwordDashboardViewer, "");
  assert.equal(config.insecureCookie, true);
  assert.deepEqual(notices, []);
  assert.deepEqual(passwordWarnings(config), []);
});

Deno.test("what is no hash of a password stops the start by its key, and is not repeated", () => {
  const message = refusal({ HQL_PASSWORD_DASHBOARD: "hunter2hunter2" });
  assert.match(message, /^HQL_PASSWORD_DASHBOARD: /);
  assert.doesNotMatch(message, /hunter2/);
});

Deno.test("a viewer's password needs the other one, and is another", () => {
  assert.match(
    refusal({ HQL_PASSWORD_DASHBOARD_VIEWER: SAMPLE }),
    /^password_dashboard: is not set .*HQL_PASSWORD_DASHBOARD_VIEWER is$/,
  );
  assert.match(
    refusal({
      HQL_PASSWORD_DASHBOARD_VIEWER: SAMPLE,
      HQL_PASSWORD_DASHBOARD: SAMPLE,
    }),
    /^HQL_PASSWORD_DASHBOARD_VIEWER: is the same/,
  );
});

Deno.test("a hash that is cheap to guess on stops the start where others reach the member, and is warned of elsewhere", () => {
  const env = { HQL_PASSWORD_DASHBOARD: CHEAP };
  assert.match(
    passwordWarnings(resolve(env).config).join(),
    /^password_dashboard is a hash that is cheap/,
  );
  assert.match(
    refusal({ ...env, HQL_LISTEN_ADDR_API: "0.0.0.0" }),
    /^HQL_PASSWORD_DASHBOARD: is a hash that is cheap .* m=19456 and t=2/,
  );
  resolve({ HQL_PASSWORD_DASHBOARD: SAMPLE, HQL_LISTEN_ADDR_API: "0.0.0.0" });
});
