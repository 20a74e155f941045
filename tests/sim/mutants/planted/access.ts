import type { Mutant } from "../table.ts";

/** Planted in who may do what: tokens, scopes, failed logins, secrets and folders. */
export const ACCESS_MUTANTS: readonly Mutant[] = [
  {
    name: "tokens: what was rolled back is known",
    file: "state/sqlite/tokens/hosted_tokens.ts",
    find: "  undo(): void {\n    this.#tokens = this.#committed;\n",
    replace: "  undo(): void {\n",
    tests: ["tests/state/sqlite/tokens_test.ts"],
  },
  {
    name: "tokens: there is one more than there can be",
    file: "state/sqlite/tokens/hosted_tokens.ts",
    find: "if (this.#tokens.length >= TOKEN_LIMITS.tokens) return",
    replace: "if (this.#tokens.length > TOKEN_LIMITS.tokens) return",
    tests: ["tests/state/sqlite/tokens_test.ts"],
  },
  {
    name: "tokens: a wish with another secret is for what is there",
    file: "state/sqlite/tokens/hosted_tokens.ts",
    find:
      "  return timingSafeEqual(known.digest, wish.digest) &&\n    known.name",
    replace: "  return known.name",
    tests: ["tests/state/sqlite/tokens_test.ts"],
  },
  {
    name: "tokens: what is revoked is there again after a restart",
    file: "state/sqlite/tokens/hosted_tokens.ts",
    find: "    this.#delete.run({ anonymous: [id], named: null });\n",
    replace: "",
    tests: ["tests/state/sqlite/tokens_test.ts"],
  },
  {
    name: "tokens: what is prepared is known before it is committed",
    file: "state/sqlite/tokens/hosted_tokens.ts",
    find: "    return this.#committed;\n",
    replace: "    return this.#tokens;\n",
    tests: ["tests/state/sqlite/tokens_test.ts"],
  },
  {
    name: "tokens: the member is told of them once",
    file: "state/sqlite/apply/writer_worker.ts",
    find: "tokens: tokens === this.#toldTokens ? null : tokens",
    replace: "tokens: this.#toldTokens !== null ? null : tokens",
    tests: ["tests/state/sqlite/tokens_test.ts"],
  },
  {
    name: "tokens: what is looked in is not made anew",
    file: "node/services/known_tokens.ts",
    find: "if (tokens !== this.#known) {",
    replace: "if (this.#known.length === 0) {",
    tests: ["tests/node/services/known_tokens_test.ts"],
  },
  {
    name: "tokens: the id alone is enough",
    file: "server/auth.ts",
    find:
      '    if (!timingSafeEqual(digest, token.digest)) return "wrong token";\n',
    replace: "",
    tests: [
      "tests/server/failed_logins_test.ts",
      "tests/server/token_routes_test.ts",
    ],
  },
  {
    name: "tokens: one that has expired is let in",
    file: "server/auth.ts",
    find: "expiresMs <= this.#clock.wall()",
    replace: "expiresMs <= 0",
    tests: [
      "tests/server/failed_logins_test.ts",
      "tests/server/token_routes_test.ts",
    ],
  },
  {
    name: "tokens: who waits for his refusal is not looked at again",
    file: "server/auth.ts",
    find: "    const again = this.#judge(given);\n",
    replace: "    const again: Judgement = verdict;\n",
    tests: [
      "tests/server/failed_logins_test.ts",
      "tests/server/token_routes_test.ts",
    ],
  },
  {
    name: "tokens: a member that is behind refuses what it does not know",
    file: "server/auth.ts",
    find: '    if (again === "unknown token") this.#throwIfBehind();\n',
    replace: "",
    tests: [
      "tests/server/failed_logins_test.ts",
      "tests/server/token_routes_test.ts",
    ],
  },
  {
    name: "logins: of several secrets only the last one counts",
    file: "server/auth.ts",
    find: "      if (timingSafeEqual(digest, secret)) known = true;\n",
    replace: "      known = timingSafeEqual(digest, secret);\n",
    tests: [
      "tests/server/failed_logins_test.ts",
      "tests/server/token_routes_test.ts",
    ],
  },
  {
    name: "logins: one more waits than may",
    file: "server/failed_logins.ts",
    find: "if (this.#waiting >= WAITING_MAX) throw",
    replace: "if (this.#waiting > WAITING_MAX) throw",
    tests: [
      "tests/server/failed_logins_test.ts",
      "tests/server/token_routes_test.ts",
    ],
  },
  {
    name: "logins: each one is a line",
    file: "server/failed_logins.ts",
    find: "    if (now - told.atMs < QUIET_MS) return;\n",
    replace: "",
    tests: [
      "tests/server/failed_logins_test.ts",
      "tests/server/token_routes_test.ts",
    ],
  },
  {
    name: "scopes: a token may do what is one above its own",
    file: "server/access.ts",
    find: "if (SCOPES.indexOf(access.scope) < SCOPES.indexOf(route.scope)) {",
    replace:
      "if (SCOPES.indexOf(access.scope) + 1 < SCOPES.indexOf(route.scope)) {",
    tests: [
      "tests/server/failed_logins_test.ts",
      "tests/server/token_routes_test.ts",
    ],
  },
  {
    name: "scopes: a token for caches may read everything",
    file: "server/access.ts",
    find: "if (access.caches === null || route.ofCaches) return;",
    replace:
      'if (access.caches === null || route.ofCaches || route.scope === "read") return;',
    tests: ["tests/cluster/tokens_test.ts"],
  },
  {
    name: "scopes: of several caches the first is looked at",
    file: "server/access.ts",
    find: "names.find((name) => !caches.includes(name))",
    replace: "names.slice(0, 1).find((name) => !caches.includes(name))",
    tests: ["tests/cluster/tokens_test.ts"],
  },
  {
    name: "scopes: things with a path ask for none",
    file: "server/mount.ts",
    find: "    checkScope(access, { scope, ofCaches });\n",
    replace: "",
    tests: ["tests/cluster/tokens_test.ts"],
  },
  {
    name: "scopes: a check of a cache needs no right to it",
    file: "api/routes/cache_write.ts",
    find: "[...creates, ...checks, ...operations]",
    replace: "[...creates, ...operations]",
    tests: ["tests/cluster/tokens_test.ts"],
  },
  {
    name: "scopes: a unit may change other caches than its path names",
    file: "server/routes/cache.ts",
    find: "      checkCaches(access, cachesOf(request.unit));\n",
    replace: "",
    tests: ["tests/cluster/tokens_test.ts"],
  },
  {
    name: "tokens: streams and waits go on when theirs has ended",
    file: "server/token_ends.ts",
    find: "      if (why !== null) end(why);\n",
    replace: "",
    tests: ["tests/server/token_streams_test.ts"],
  },
  {
    name: "a stream that is ended says why in the middle of an event",
    file: "server/event_stream.ts",
    find: "        if (rest.length === 0) {\n",
    replace: "        if (rest.length >= 0) {\n",
    tests: ["tests/server/token_streams_test.ts"],
  },
  {
    name: "a planted link is followed",
    file: "util/durable_file.ts",
    find:
      '  rmSync(partial, { force: true });\n  const file = openSync(partial, "wx", MODE);\n',
    replace: '  const file = openSync(partial, "w", MODE);\n',
    tests: ["tests/util/durable_file_test.ts"],
  },
  {
    name: "a data folder of somebody else is used",
    file: "util/exposure.ts",
    find: "me !== null && uid !== me && uid !== 0",
    replace: "me !== null && uid === -1",
    tests: ["tests/util/exposure_test.ts"],
  },
  {
    name: "a secret of one letter is one",
    file: "config/secret_strength.ts",
    find: "new Set(text).size >= SECRET_VARIETY_MIN",
    replace: "new Set(text).size >= 1",
    tests: ["tests/config/secret_strength_test.ts"],
  },
];
