import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { hashAnswer } from "../../../../src/state/answer.ts";
import { hashResult } from "../../../../src/state/sql/result.ts";
import {
  crc32OfWord,
  hashSqlAnswer,
} from "../../../../src/state/sqlite/apply/agreement.ts";
import { Direct } from "../direct.ts";
import { command, execute } from "../subject.ts";

Deno.test("the checksum of a word is that of its bytes", () => {
  const bytes = new Uint8Array(4);
  const view = new DataView(bytes.buffer);
  let word = 1;
  for (let i = 0; i < 1000; i++) {
    word = (Math.imul(word, 0x9e3779b1) + i) >>> 0;
    view.setUint32(0, word, true);
    const start = Math.imul(word, 31) >>> 0;
    for (const each of [start, 0, 0xffffffff]) {
      assert.equal(crc32OfWord(word, each), crc32(bytes, each));
    }
  }
});

Deno.test("an answer has one hash, summed up at once or part by part", () => {
  using direct = new Direct();
  const answers = [
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
    "INSERT INTO t (v) VALUES (1)",
    "SELECT * FROM t",
    "INSERT INTO t VALUES (1, 2)",
    "nonsense",
  ].flatMap((sql) => direct.batch([command(execute(sql))]));
  for (const answer of answers) {
    assert.equal(hashSqlAnswer(answer), hashAnswer(answer, hashResult));
  }
});
