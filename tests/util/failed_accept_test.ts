import assert from "node:assert/strict";
import { isOfTheConnection } from "../../src/util/failed_accept.ts";

Deno.test("what fails of a connection that is accepted does not fail of the port", () => {
  const failed = (code: string): Error => Object.assign(new Error(), { code });
  for (
    const code of [
      ...["ENOTCONN", "ECONNABORTED", "ECONNRESET", "EPROTO", "EPERM"],
      ...["ENETDOWN", "EHOSTUNREACH", "ENETUNREACH"],
    ]
  ) {
    assert.ok(isOfTheConnection(failed(code)), code);
  }
  for (const code of ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EINVAL"]) {
    assert.ok(!isOfTheConnection(failed(code)), code);
  }
  assert.ok(!isOfTheConnection(new Error("without a code")));
});
