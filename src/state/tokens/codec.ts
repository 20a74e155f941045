import {
  ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";
import {
  type ApiToken,
  DIGEST_BYTES,
  SCOPES,
  type TokenAnswer,
  type TokenOperation,
  type TokenWish,
} from "./types.ts";

/** Numbers are never used again for something else. */
const OPERATIONS: readonly TokenOperation["kind"][] = ["create", "revoke"];

const ANSWERS: readonly TokenAnswer["kind"][] = [
  "created",
  "taken",
  "full",
  "revoked",
];

/** The first byte of an answer; those of SQL begin with 0 or 1, those of locks with 2. */
const TOKEN_ANSWER = 3;

/** Appends what an entry asks of the tokens. */
export function writeTokenOperation(
  writer: ByteWriter,
  operation: TokenOperation,
): void {
  writer.u8(OPERATIONS.indexOf(operation.kind));
  if (operation.kind === "create") writeWish(writer, operation.wish);
  else writer.text(operation.id);
}

/**
 * Reads what {@linkcode writeTokenOperation} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function readTokenOperation(reader: ByteReader): TokenOperation {
  const kind = kindAt(OPERATIONS, reader.u8());
  return kind === "create"
    ? { kind, wish: readWish(reader) }
    : { kind, id: reader.text() };
}

/** Appends tokens. */
export function writeTokens(
  writer: ByteWriter,
  tokens: readonly ApiToken[],
): void {
  writer.u32(tokens.length);
  for (const token of tokens) {
    writeWish(writer, token);
    writer.u53(token.createdMs);
  }
}

/** Reads what {@linkcode writeTokens} wrote. */
export function readTokens(reader: ByteReader): ApiToken[] {
  return Array.from(
    { length: reader.u32() },
    () => ({ ...readWish(reader), createdMs: reader.u53() }),
  );
}

function writeWish(
  writer: ByteWriter,
  { id, digest, name, scope, caches, expiresMs }: TokenWish,
): void {
  writer.text(id).raw(digest).text(name).u8(SCOPES.indexOf(scope));
  // No list is empty.
  writer.u8(caches?.length ?? 0);
  for (const cache of caches ?? []) writer.text(cache);
  writer.u8(expiresMs === null ? 0 : 1);
  if (expiresMs !== null) writer.u53(expiresMs);
}

function readWish(reader: ByteReader): TokenWish {
  const id = reader.text();
  // What it is read from may be used again.
  const digest = reader.raw(DIGEST_BYTES).slice();
  const name = reader.text();
  const scope = kindAt(SCOPES, reader.u8());
  const caches = Array.from({ length: reader.u8() }, () => reader.text());
  const expiresMs = reader.u8() === 1 ? reader.u53() : null;
  return {
    id,
    digest,
    name,
    scope,
    caches: caches.length === 0 ? null : caches,
    expiresMs,
  };
}

/** Appends what an entry did to the tokens. */
export function writeTokenAnswer(
  writer: ByteWriter,
  answer: TokenAnswer,
): void {
  writer.u8(TOKEN_ANSWER).u8(ANSWERS.indexOf(answer.kind));
  if (answer.kind === "created") writer.u53(answer.createdMs);
  else if (answer.kind === "revoked") writer.u8(answer.found ? 1 : 0);
}

/**
 * Decodes what {@linkcode writeTokenAnswer} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function decodeTokenAnswer(bytes: Uint8Array): TokenAnswer {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== TOKEN_ANSWER) {
    throw new MalformedBytesError("not an answer about tokens");
  }
  const kind = kindAt(ANSWERS, reader.u8());
  const answer: TokenAnswer = kind === "created"
    ? { kind, createdMs: reader.u53() }
    : kind === "revoked"
    ? { kind, found: reader.u8() === 1 }
    : { kind };
  reader.end();
  return answer;
}

function kindAt<Kind>(kinds: readonly Kind[], at: number): Kind {
  const kind = kinds[at];
  if (kind !== undefined) return kind;
  throw new MalformedBytesError(`unknown kind ${at} of tokens`);
}
