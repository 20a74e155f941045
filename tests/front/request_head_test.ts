import assert from "node:assert/strict";
import { RequestHead } from "../../src/front/request_head.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

Deno.test("a head ends with an empty line, however it is cut, and an answer ends a request", () => {
  const whole = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
  for (let size = 1; size <= whole.length; size++) {
    const head = new RequestHead();
    for (let at = 0; at < whole.length; at += size) {
      assert.equal(head.phase, "head", `${size} ${at}`);
      head.received(bytes(whole.slice(at, at + size)));
    }
    assert.equal(head.phase, "busy", `${size}`);
    head.received(bytes("body\r\n\r\nmore"));
    assert.equal(head.phase, "busy");
    head.answered(bytes("HTTP/1.1 200 OK\r\n\r\n"));
    assert.equal(head.phase, "idle");
    head.received(bytes("GET"));
    assert.equal(head.phase, "head");
    head.received(bytes(" / HTTP/1.1\n\n"));
    assert.equal(head.phase, "busy");
  }
});

Deno.test("half a line is no end of a head, and an interim answer no answer", () => {
  const head = new RequestHead();
  head.received(bytes("POST / HTTP/1.1\r\na: b\r\n \r"));
  assert.equal(head.phase, "head");
  head.received(bytes("\n\r\n"));
  assert.equal(head.phase, "busy");
  head.answered(bytes("HTTP/1.1 100 Continue\r\n\r\n"));
  assert.equal(head.phase, "busy");
  head.answered(bytes("HTTP/1.1 413"));
  assert.equal(head.phase, "idle");
});
