import assert from "node:assert/strict";
import { toldAddress, withAddress } from "../../src/front/told_address.ts";

const encoder = new TextEncoder();

function told(first: string, tag = "secret"): string {
  return new TextDecoder().decode(
    withAddress(encoder.encode(first), tag, "10.0.0.1"),
  );
}

Deno.test("the first request of a connection tells from where it comes, before what it says itself", () => {
  const rest = "Host: a\r\nx-hiqlite-from: secret 10.9.9.9\r\n\r\nbody\n";
  assert.equal(
    told(`POST /a?b HTTP/1.1\r\n${rest}`),
    `POST /a?b HTTP/1.1\r\nx-hiqlite-from: secret 10.0.0.1\r\n${rest}`,
  );
  // As servers read it: several headers of one name are one.
  const headers = new Headers([
    ["x-hiqlite-from", "secret 10.0.0.1"],
    ["x-hiqlite-from", "secret 10.9.9.9"],
  ]);
  assert.equal(toldAddress(headers, "secret"), "10.0.0.1");
});

Deno.test("what is no whole first line of HTTP/1.1 is passed on as it is", () => {
  for (
    const first of [
      "",
      "GET / HTT",
      "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\r\nGET / HTTP/1.1\r\n\r\n",
      "hello\nGET / HTTP/1.1\r\n\r\n",
    ]
  ) assert.equal(told(first), first);
  const plain = "GET / HTTP/1.1\r\n\r\n";
  assert.equal(told(plain, ""), plain);
});

Deno.test("nobody is believed who does not know the tag", () => {
  const of = (value: string): Headers =>
    new Headers({ "x-hiqlite-from": value });
  assert.equal(toldAddress(of("10.9.9.9"), "secret"), "");
  assert.equal(toldAddress(of("other 10.9.9.9"), "secret"), "");
  assert.equal(toldAddress(of(" 10.9.9.9"), ""), "");
  assert.equal(toldAddress(new Headers(), "secret"), "");
  assert.equal(toldAddress(of("secret ::1"), "secret"), "::1");
});
