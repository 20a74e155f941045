import type { Mutant } from "../table.ts";

/** Planted in certificates, fronts and who believes them. No seed runs them: tests find them. */
export const TLS_MUTANTS: readonly Mutant[] = [
  {
    name: "a key and a certificate that do not belong together are a pair",
    file: "tls/pem_pair.ts",
    find: "  if (!own.checkPrivateKey(secret)) {\n",
    replace: "  if (false as boolean) {\n",
  },
  {
    name: "every secret has the same authority",
    file: "tls/authority.ts",
    find: "  scrypt(secret, purpose, SEED_BYTES,",
    replace: "  scrypt(purpose, purpose, SEED_BYTES,",
  },
  {
    name: "who knows only the secret of before cannot verify",
    file: "tls/authority.ts",
    find: "      : leaf + previous.#certified(this, 0);\n",
    replace: "      : leaf;\n",
  },
  {
    name: "a renewed pair is not used",
    file: "tls/handshakes.ts",
    find: "    this.#context = this.#contextOf(pair);\n",
    replace: "    void this.#contextOf(pair);\n",
    tests: ["tests/front"],
  },
  {
    name: "files behind a link are looked at as the link is",
    file: "tls/pair_files.ts",
    find: "    const stat = statSync(path, { throwIfNoEntry: false });\n",
    replace:
      '    const stat = statSync(path.replace(/[^/]*$/, ".."), { throwIfNoEntry: false });\n',
  },
  {
    name: "a client verifies nobody",
    file: "client/trust.ts",
    find: "  if (dangerTlsNoVerify) return unverified();\n",
    replace:
      "  if (dangerTlsNoVerify || urls[0]!.startsWith('https:')) return unverified();\n",
  },
  {
    name: "half a head has all the time of the world",
    file: "front/front_server.ts",
    find:
      '      const limited = one.phase === "handshake" || one.phase === "head";\n',
    replace: '      const limited = one.phase === "handshake";\n',
  },
  {
    name: "a request that runs is ended for another",
    file: "front/connection_caps.ts",
    find: '  return guest.phase !== "busy";\n',
    replace: "  return guest.lastMs >= 0;\n",
  },
  {
    name: "an address has no limit",
    file: "front/connection_caps.ts",
    find: "    if (own.size >= perAddress) {\n",
    replace: "    if (own.size >= connections) {\n",
  },
  {
    name: "who leaves in the middle of a handshake stays for ever",
    file: "tls/handshakes.ts",
    find: '    below.once("end", gone);\n',
    replace: "",
    tests: ["tests/network/tls_entrance_test.ts"],
  },
  {
    name: "what nobody takes is read over TLS all the same",
    file: "tls/duplex.ts",
    find: "below.readIf(() => stream.readableLength < WAITING_BYTES);",
    replace: "below.readIf(() => stream.readableLength >= 0);",
    tests: ["tests/tls/duplex_test.ts"],
  },
  {
    name: "what is written over TLS to who has gone is written",
    file: "tls/duplex.ts",
    find: "} else if (this.#below.destroyed) reject(ended());",
    replace: "} else if (this.#below.destroyed && error) reject(ended());",
    tests: ["tests/tls/duplex_test.ts"],
  },
  {
    name: "a connection that is gone stops the API's port for a moment",
    file: "front/front_server.ts",
    find: "        if (isOfTheConnection(error)) continue;\n",
    replace: "",
    tests: ["tests/front/front_test.ts"],
  },
  {
    name: "garbage waits for its end before it is refused",
    file: "front/first_head.ts",
    find:
      '  if (!known) throw new NoRequestError(400, "This port speaks HTTP/1.1");\n',
    replace:
      '  if (!known && end >= 0) throw new NoRequestError(400, "This port speaks HTTP/1.1");\n',
    tests: ["tests/front/first_head_test.ts"],
  },
  {
    name: "the head of a first request has no limit",
    file: "front/first_head.ts",
    find: "    if (length === FIRST_HEAD_BYTES_MAX) {\n",
    replace: "    if (length < 0) {\n",
    tests: ["tests/front/first_head_test.ts"],
  },
  {
    name: "what is no request reaches the server",
    file: "front/front_server.ts",
    find: "      const head = await accepted.firstHead(channel);\n",
    replace: "      const head = await firstBytes(channel);\n",
    tests: ["tests/front/refusals_test.ts"],
  },
  {
    name: "the last answer of a connection is not its last",
    file: "front/relay.ts",
    find: "    if (watch.answered(bytes)) await inner.closeWrite();\n",
    replace: "    watch.answered(bytes);\n",
    tests: ["tests/front/refusals_test.ts"],
  },
  {
    name: "whoever guesses goes on guessing on the same connection",
    file: "server/failed_logins.ts",
    find:
      '  return error.code === "unauthorized" || error instanceof GuessesError;\n',
    replace: "  return error instanceof GuessesError;\n",
    tests: ["tests/server/failed_logins_test.ts"],
  },
  {
    name: "strangers shake hands as often as they like",
    file: "network/listener/handshake_turns.ts",
    find: "    if (this.#left < 1) return false;\n",
    replace: "",
    tests: ["tests/network/tls_entrance_test.ts"],
  },
  {
    name: "who has gone takes a turn",
    file: "network/listener/handshake_turns.ts",
    find: "      const wanted = first.wanted();\n",
    replace: "      const wanted = first !== undefined;\n",
    tests: ["tests/network/tls_entrance_test.ts"],
  },
  {
    name: "a peer that goes without a word of TLS is a failure of the link",
    file: "network/dial_tls.ts",
    find:
      "        if (error instanceof Deno.errors.UnexpectedEof) return null;\n",
    replace: "",
    tests: ["tests/network/tls_entrance_test.ts"],
  },
];
