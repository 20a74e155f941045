import type { Mutant } from "../table.ts";

const SEALED = ["tests/network/sealed"];
const LINKS = ["tests/network"];

/** Planted in the links between members and in the Raft port. */
export const LINK_MUTANTS: readonly Mutant[] = [
  {
    name: "control frames wait behind bulk",
    file: "network/peer_link.ts",
    find: `    const accepted = this.#outbound[lane];
    if (this.#up === null || accepted === null) return false;
    const limit = this.#context.limits.queueBytes[lane];
`,
    replace: `    const accepted = this.#outbound.bulk;
    if (this.#up === null || accepted === null) return false;
    const limit = this.#context.limits.queueBytes.bulk;
`,
    step: 10,
  },
  {
    name: "records are not counted",
    file: "network/sealed/seal.ts",
    find: "this.#view.setBigUint64(4, this.#count++, true);",
    replace: "this.#view.setBigUint64(4, this.#count, true);",
    tests: SEALED,
  },
  {
    name: "a seal is not checked",
    file: "network/sealed/seal.ts",
    find: "    decipher.final();\n",
    replace: "",
    tests: SEALED,
  },
  {
    name: "a dialer's proof is not compared",
    file: "network/sealed/handshake.ts",
    find: "return proofs.some((proof) => timingSafeEqual(proof, expected));",
    replace: "return proofs.some(({ length }) => length === expected.length);",
    tests: SEALED,
  },
  {
    name: "an acceptor's proof is not compared",
    file: "network/sealed/handshake.ts",
    find: 'timingSafeEqual(proof, prove("acceptor", known, transcript))',
    replace: "known.length > 0 && proof.length === PROOF_BYTES",
    tests: SEALED,
  },
  {
    name: "a secret that is being changed is accepted in its new form only",
    file: "network/sealed/handshake.ts",
    find: "const secret = secrets.find((known) => {",
    replace: "const secret = secrets.slice(0, 1).find((known) => {",
    tests: SEALED,
  },
  {
    name: "a public key may force what both sides agree on",
    file: "network/sealed/key_agreement.ts",
    find: "      return null;\n",
    replace: "      return new Uint8Array(LINK_KEY_BYTES);\n",
    tests: SEALED,
  },
  {
    name: "both directions of a connection have the same key",
    file: "network/sealed/transcript.ts",
    find: "`hiqlite link ${lane} from ${from}`",
    replace: '`hiqlite link ${lane}${from && ""}`',
    tests: SEALED,
  },
  {
    name: "keys do not depend on the secret",
    file: "network/sealed/transcript.ts",
    find: 'const salt = authenticate("keys", secret, transcript);',
    replace: "const salt = new Uint8Array(PROOF_BYTES);",
    tests: SEALED,
  },
  {
    name: "a record may be as long as it is announced",
    file: "network/sealed/record_reader.ts",
    find: "if (length <= this.#recordBytes) return length;",
    replace: "if (length >= 0) return length;",
    tests: SEALED,
  },
  {
    name: "a message may be as long as it is announced",
    file: "network/sealed/messages.ts",
    find: "if (length <= this.#messageBytes) return length;",
    replace: "if (length >= 0) return length;",
    tests: SEALED,
  },
  {
    name: "nobody hears that a seal was broken",
    file: "network/link_connection.ts",
    find: "    this.#context.complain(\n      `seal ${this.#node}`,",
    replace: "    [].at(\n      `seal ${this.#node}`,",
    tests: LINKS,
  },
  {
    name: "a dialer may send messages",
    file: "network/links.ts",
    find: 'message: () => accepted.fail("the dialing side sent a message"),',
    replace: "message: () => {},",
    tests: LINKS,
  },
  {
    name: "a process that is started twice breaks the links of the first",
    file: "network/links.ts",
    find: "if (present === null || present.id === peer.id) return null;",
    replace: 'if (present === null || present.id !== "") return null;',
    tests: LINKS,
  },
  {
    name: "web pages may connect",
    file: "network/listener/raft_listener.ts",
    find: 'if (headers.has("origin")) {',
    replace: 'if (headers.has("x-origin")) {',
    tests: LINKS,
  },
  {
    name: "a stranger has all the time in the world",
    file: "network/listener/stranger.ts",
    find: "      if (!this.answered) late();\n      this.close();\n",
    replace: "      if (!this.answered) late();\n",
    tests: LINKS,
  },
  {
    name: "a peer that has proven itself stays a stranger",
    file: "network/listener/raft_listener.ts",
    find: "        this.#admission.prove(stranger);\n",
    replace: "",
    tests: LINKS,
  },
  {
    name: "a connection that is gone stops the port for a second",
    file: "network/listener/raft_listener.ts",
    find: "if (isOfTheConnection(error)) {",
    replace: "if (this.#closed && isOfTheConnection(error)) {",
    tests: LINKS,
  },
  {
    name: "strangers of one address may fill the room",
    file: "network/listener/admission.ts",
    find: "own.size >= strangersPerAddress",
    replace: "own.size >= strangers",
    tests: LINKS,
  },
  {
    name: "of one address the newest has to go",
    file: "network/listener/admission.ts",
    find: "const [oldest] = own;",
    replace: "const oldest = [...own].at(-1);",
    tests: LINKS,
  },
  {
    name: "whoever comes last has to go",
    file: "network/listener/admission.ts",
    find: "if (instead === undefined) return refused(limit);",
    replace: "if (instead !== guest) return refused(limit);",
    tests: LINKS,
  },
  {
    name: "a network of IPv6 is as many strangers as it has addresses",
    file: "network/listener/admission.ts",
    find: "addTo(this.#byNetwork, networkOf(from), guest);",
    replace: "addTo(this.#byNetwork, from, guest);",
    tests: LINKS,
  },
  {
    name: "one voice is enough to give up data",
    file: "node/cluster/witness.ts",
    find: 'if (isMajority(accuses)) return { kind: "rolledBack", detail };',
    replace: 'if (accusers.length > 0) return { kind: "rolledBack", detail };',
    tests: ["tests/node/cluster"],
  },
  {
    name: "whoever says that it leads can have data given up",
    file: "node/cluster/witness.ts",
    find: "const followed = leads &&\n      isMajority((other) =>",
    replace: "const followed = leads ||\n      isMajority((other) =>",
    tests: ["tests/node/cluster"],
  },
];
