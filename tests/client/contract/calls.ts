import assert from "node:assert/strict";
import { HiqliteError } from "../../../src/errors.ts";
import type { AddCase } from "./case.ts";

/** Everything else that a client asks of its member, errors and ends of calls; the last one ends the client. */
export function addCalls(test: AddCase): void {
  test("health() and ready() answer, well or not", async (client, member) => {
    assert.deepEqual(await client.health(), member.health());
    assert.deepEqual(await client.ready(), { ok: true, detail: "ok" });
    member.healthy = { ok: false, detail: "no leader" };
    assert.deepEqual(await client.health(), { ok: false, detail: "no leader" });
    assert.deepEqual(await client.ready(), { ok: false, detail: "no leader" });
  });

  test("metrics() and cluster() answer", async (client, member) => {
    assert.match(await client.metrics(), /^# TYPE hiqlite_/m);
    assert.deepEqual(await client.cluster(), member.cluster());
  });

  test(
    "changeMembership() and transferLeadership() reach the member",
    async (client, member) => {
      const request = {
        action: "add-learner",
        nodeId: 4,
        raftAddress: "a:1",
        apiAddress: "a:2",
      } as const;
      const answer = await client.changeMembership(request);
      assert.deepEqual(answer, member.cluster());
      await client.transferLeadership();
      await client.transferLeadership(2);
      assert.deepEqual(member.changes, [
        request,
        { target: undefined },
        { target: 2 },
      ]);
    },
  );

  test("an error of the member keeps its code", async (client, member) => {
    member.faults.push(new HiqliteError("disk_full", "no room"));
    await assert.rejects(client.execute("SELECT 1"), {
      code: "disk_full",
      message: "no room",
    });
  });

  test(
    "an aborted signal stops the call before it is sent",
    async (client, member) => {
      const count = member.writes.length;
      const signal = AbortSignal.abort(new Error("mine"));
      await assert.rejects(client.execute("SELECT 1", [], { signal }), {
        message: "mine",
      });
      assert.equal(member.writes.length, count);
    },
  );

  test(
    "a signal that aborts ends the wait with its reason",
    async (client, member) => {
      const begun = Promise.withResolvers<void>();
      const held = Promise.withResolvers<void>();
      member.beforeWrite = () => {
        begun.resolve();
        return held.promise;
      };
      const controller = new AbortController();
      const waiting = client.execute("SELECT 1", [], {
        signal: controller.signal,
      });
      await begun.promise;
      controller.abort(new Error("enough"));
      await assert.rejects(waiting, { message: "enough" });
      held.resolve();
    },
  );

  test("await using ends the client", async (client) => {
    await client[Symbol.asyncDispose]();
    await client.shutdown();
  });
}
