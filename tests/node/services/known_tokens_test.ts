import assert from "node:assert/strict";
import { Changes } from "../../../src/node/changes.ts";
import type { RaftGroup } from "../../../src/group/group.ts";
import type { Proposal } from "../../../src/node/groups/proposal.ts";
import type { Proposer } from "../../../src/node/groups/proposer.ts";
import { KnownTokens } from "../../../src/node/services/known_tokens.ts";
import { decodeCommand } from "../../../src/state/sql/command.ts";
import { writeTokenAnswer } from "../../../src/state/tokens/codec.ts";
import type {
  ApiToken,
  TokenAnswer,
  TokenOperation,
  TokenWish,
} from "../../../src/state/tokens/types.ts";
import { ByteWriter } from "../../../src/util/bytes.ts";

const WISH: TokenWish = {
  id: "00000000000000aa",
  digest: new Uint8Array(32).fill(7),
  name: "n",
  scope: "write",
  caches: ["a"],
  expiresMs: 9,
};
const TOKEN: ApiToken = { ...WISH, createdMs: 5 };

/** Tokens over a log that answers as it is told. */
class Scene {
  readonly asked: { operation: TokenOperation; key: string }[] = [];
  answer: TokenAnswer = { kind: "full" };
  known: readonly ApiToken[] = [];
  applied = 100;
  readonly tokens = new KnownTokens({
    clock: { monotonic: () => 0, wall: () => 0 },
    changes: new Changes(),
    touch: () => {},
    throwIfStopped: () => {},
    proposer: {
      propose: (proposal: Proposal) => this.#propose(proposal),
    } as unknown as Proposer,
    group: () => this.#group as unknown as RaftGroup,
    machine: () => ({
      tokens: this.known,
      applied: { term: 1, index: this.applied },
    }),
  });
  /** What waits until the member has applied an index. */
  readonly waits: { index: number; done(applied: boolean): void }[] = [];
  readonly #group = {
    readIndex: (done: (index: number) => void) => done(101),
    whenApplied: (index: number, done: (applied: boolean) => void) => {
      this.waits.push({ index, done });
      return () => {};
    },
  };

  #propose({ body, idempotencyKey = "" }: Proposal): Promise<unknown> {
    const writer = new ByteWriter();
    body(writer);
    const command = decodeCommand(writer.finish());
    assert.ok(command.kind === "token");
    this.asked.push({ operation: command.operation, key: idempotencyKey });
    const answer = new ByteWriter();
    writeTokenAnswer(answer, this.answer);
    return Promise.resolve({
      index: 101,
      refusal: null,
      body: answer.finish(),
    });
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("a token is answered for once this member has applied it", async () => {
  const scene = new Scene();
  scene.answer = { kind: "created", createdMs: 5 };
  let answered = false;
  const made = scene.tokens.create({ wish: WISH, idempotencyKey: "key" })
    .finally(() => answered = true);
  await settled();
  assert.equal(answered, false);
  assert.deepEqual(scene.asked, [{
    operation: { kind: "create", wish: WISH },
    key: "key",
  }]);
  assert.equal(scene.waits[0]!.index, 101);
  scene.waits[0]!.done(true);
  assert.deepEqual(await made, { createdMs: 5, index: 101 });
});

Deno.test("what cannot be made is said with its limit, and what cannot be meant is not proposed", async () => {
  const scene = new Scene();
  scene.applied = 101;
  await assert.rejects(scene.tokens.create({ wish: WISH }), {
    code: "conflict",
    message: /^There are 1000 tokens, the most there can be/,
  });
  scene.answer = { kind: "taken" };
  await assert.rejects(scene.tokens.create({ wish: WISH }), {
    code: "conflict",
    message: /^Another token has the id 00000000000000aa/,
  });
  for (const found of [true, false]) {
    scene.answer = { kind: "revoked", found };
    const answer = await scene.tokens.revoke({ id: WISH.id });
    assert.deepEqual(answer, { found, index: 101 });
  }
  assert.equal(scene.asked.length, 4);
  await assert.rejects(scene.tokens.revoke({ id: "x" }), { code: "invalid" });
  await assert.rejects(
    scene.tokens.create({ wish: { ...WISH, scope: "admin" } }),
    { code: "invalid" },
  );
  assert.equal(scene.asked.length, 4);
});

Deno.test("tokens are found as the member has applied them, and listed without digests once it has applied what the leader has", async () => {
  const scene = new Scene();
  assert.equal(scene.tokens.find(WISH.id), undefined);
  scene.known = [TOKEN];
  assert.equal(scene.tokens.find(WISH.id), TOKEN);
  scene.known = [];
  assert.equal(scene.tokens.find(WISH.id), undefined);
  const listed = scene.tokens.list();
  await settled();
  scene.known = [TOKEN];
  scene.applied = 101;
  scene.waits[0]!.done(true);
  const { digest: _, ...rest } = TOKEN;
  assert.deepEqual(await listed, { tokens: [rest], index: 101 });
});
