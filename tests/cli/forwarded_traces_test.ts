import assert from "node:assert/strict";
import { poll, SECRET_API, TestCluster } from "../cluster/harness.ts";

/** A span as it is sent over OTLP. */
interface SentSpan {
  readonly member: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

/** Takes traces as a collector does (OTLP over HTTP, as JSON). */
class Receiver implements AsyncDisposable {
  readonly spans: SentSpan[] = [];
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { resourceSpans = [] } = await request.json();
      for (const { resource, scopeSpans } of resourceSpans) {
        const member = resource.attributes.find(({ key }: { key: string }) =>
          key === "service.name"
        ).value.stringValue;
        for (const { spans } of scopeSpans) {
          this.spans.push(
            ...spans.map((span: SentSpan) => ({ ...span, member })),
          );
        }
      }
      return Response.json({});
    },
  );

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

Deno.test("a write that is forwarded is traced at its leader, too: proposed, committed and applied, one after the other", async () => {
  await using receiver = new Receiver();
  await using cluster = await TestCluster.start({
    idle: true,
    environment: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_BSP_SCHEDULE_DELAY: "200",
    },
    environmentOf: (node) => ({ OTEL_SERVICE_NAME: `member ${node}` }),
  });
  for (const node of cluster.nodes) await cluster.startMember(node);
  await cluster.waitReady();
  const leader = await cluster.waitLeader();
  const traces = new Map(
    cluster.nodes.map((node) => [node, `${node}`.repeat(32)]),
  );
  for (const [node, trace] of traces) {
    const answer = await fetch(
      `${cluster.network.apiUrl(node)}/api/v1/execute`,
      {
        method: "POST",
        headers: {
          "x-api-secret": SECRET_API,
          "content-type": "application/json",
          traceparent: `00-${trace}-00000000000000aa-01`,
        },
        body: JSON.stringify({ sql: `CREATE TABLE t${node} (a)` }),
      },
    );
    assert.equal(answer.status, 200, await answer.text());
  }
  for (const [node, trace] of traces) {
    const found = (name: string): SentSpan | undefined =>
      receiver.spans.find((span) =>
        span.traceId === trace && span.name === name
      );
    const whole = node === leader ? "hiqlite.write" : "hiqlite.lead";
    await poll(
      `${whole} of ${node}`,
      60_000,
      () => Promise.resolve(found(whole) !== undefined),
    );
    if (node === leader) {
      assert.equal(found("hiqlite.lead"), undefined);
      continue;
    }
    await poll(
      `hiqlite.replicate of ${node}`,
      60_000,
      () => Promise.resolve(found("hiqlite.replicate") !== undefined),
    );
    const lead = found("hiqlite.lead")!;
    assert.equal(lead.member, `member ${leader}`);
    const asked = found("hiqlite.replicate")!;
    assert.equal(asked.member, `member ${node}`);
    assert.equal(lead.parentSpanId, asked.spanId);
    const steps = ["propose", "commit", "apply"].map((step) => {
      const [span] = receiver.spans.filter((span) =>
        span.parentSpanId === lead.spanId && span.name === `hiqlite.${step}`
      );
      assert.ok(span, step);
      return span;
    });
    const times = [
      BigInt(lead.startTimeUnixNano),
      ...steps.map(({ endTimeUnixNano }) => BigInt(endTimeUnixNano)),
    ];
    assert.deepEqual(times, times.toSorted((a, b) => Number(a - b)));
    assert.equal(steps[1]!.startTimeUnixNano, steps[0]!.endTimeUnixNano);
    assert.equal(steps[2]!.startTimeUnixNano, steps[1]!.endTimeUnixNano);
    assert.equal(steps[2]!.endTimeUnixNano, lead.endTimeUnixNano);
    assert.ok(steps[0]!.endTimeUnixNano < steps[2]!.endTimeUnixNano);
  }
});
