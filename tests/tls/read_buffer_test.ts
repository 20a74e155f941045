import assert from "node:assert/strict";
import { ReadBuffer } from "../../src/tls/read_buffer.ts";

Deno.test("a read buffer is small until a connection has filled it, and never grows again", () => {
  const buffer = new ReadBuffer();
  assert.equal(buffer.room.length, 2048);
  buffer.room.fill(1);
  assert.equal(buffer.filled(100).length, 100);
  assert.equal(buffer.room.length, 2048);
  const whole = buffer.filled(2048);
  const { room } = buffer;
  assert.equal(room.length, 16 * 1024);
  room.fill(2);
  // What was read last is not overwritten by what is longer.
  assert.ok(whole.length === 2048 && whole.every((byte) => byte === 1));
  assert.equal(buffer.filled(2048).length, 2048);
  assert.equal(buffer.filled(16 * 1024).length, 16 * 1024);
  assert.equal(buffer.room, room);
});
