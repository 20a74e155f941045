import type { CacheTimings } from "./caches.ts";
import type { Timing } from "./load.ts";
import type { Comparison, Results } from "./results.ts";

/** Renders results as Markdown, ratios first. */
export function render(results: Results): string {
  const { machine } = results;
  const parts = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.os}, Deno ${machine.deno}; ` +
    `load average at the start ${machine.load}; all members on this machine`,
  ];
  const add = (title: string, body: string): void => {
    parts.push(`### ${title}\n\n${body}`);
  };
  if (results.singles) {
    add("Single inserts through the leader's client", singles(results.singles));
  }
  if (results.transactions) {
    add("The same rows in one transaction per writer", transactions(results));
  }
  if (results.follower) {
    add("Single inserts through a follower's client", rates(results.follower));
  }
  if (results.http) {
    add("Single inserts over HTTP, one member", rates(results.http));
  }
  for (const { logSync, singles } of results.levels ?? []) {
    add(`Single inserts with HQL_LOG_SYNC=${logSync}`, rates(singles));
  }
  if (results.blobs) {
    add("Insert of 100 KB, one at a time", rates([results.blobs]));
  }
  if (results.reads) add("Reads", reads(results.reads));
  for (const cache of results.cache ?? []) {
    add(`Caches, ${cache.place}`, caches(cache));
  }
  if (results.parts) add("The parts alone", partsAlone(results.parts));
  return parts.join("\n\n") + "\n";
}

function singles(comparisons: readonly Comparison[]): string {
  return table(
    [
      "writers",
      "of the pipeline",
      "of the pipeline, followers apply",
      "cluster /s",
      "p50 µs",
      "p99 µs",
      "pipeline /s",
      "p50 µs",
      "pipeline, followers apply /s",
      "CPU µs of all three: cluster",
      "pipeline",
      "pipeline, followers apply",
      "processors busy with other things",
    ],
    comparisons.map((c) => [
      `${c.writers}`,
      percent(c.ratio),
      percent(c.ratioApplying),
      count(c.cluster.typical.rate),
      count(c.cluster.typical.p50),
      count(c.cluster.typical.p99),
      count(c.pipeline.typical.rate),
      count(c.pipeline.typical.p50),
      count(c.pipelineApplying.typical.rate),
      `${c.cluster.cpu}`,
      `${c.pipeline.cpu}`,
      `${c.pipelineApplying.cpu}`,
      `${c.others}`,
    ]),
  );
}

function transactions(results: Results): string {
  return table(
    ["writers", "rows /s", "p50 of a transaction µs", "p99 µs"],
    results.transactions!.map(({ timing, rowsPerSecond }) => [
      `${timing.concurrency}`,
      count(rowsPerSecond),
      count(timing.p50),
      count(timing.p99),
    ]),
  );
}

function rates(timings: readonly Timing[]): string {
  return table(
    ["callers", "/s", "p50 µs", "p99 µs"],
    timings.map((t) => [
      `${t.concurrency}`,
      count(t.rate),
      count(t.p50),
      count(t.p99),
    ]),
  );
}

function reads(r: NonNullable<Results["reads"]>): string {
  const line = (what: string, t: Timing, per: number, unit: string) => [
    what,
    count(t.rate * per) + unit,
    `${t.p50}`,
    `${t.p99}`,
  ];
  return table(
    ["query", "rate", "p50 µs", "p99 µs"],
    [
      line("row by key, pool, first time", r.cold, 1, " /s"),
      line("row by key, pool, again", r.warm, 1, " /s"),
      line("row by key, pool, 64 at a time", r.warm64, 1, " /s"),
      line("row by key, querySync", r.sync, 1, " /s"),
      line("row by key, bare node:sqlite", r.bare, 1, " /s"),
      line(`scan of ${r.rows} rows, pool`, r.scan, r.rows, " rows/s"),
      line(`scan, querySync`, r.scanSync, r.rows, " rows/s"),
      line(`scan, bare node:sqlite`, r.scanBare, r.rows, " rows/s"),
    ],
  ) + `\n\nquerySync takes ${r.syncOverBare.toFixed(2)} times the bare driver.`;
}

function caches({ puts, reads }: CacheTimings): string {
  const line = (what: string, t: Timing, cpu: string) => [
    what,
    count(t.rate),
    `${t.p50}`,
    `${t.p99}`,
    cpu,
  ];
  return table(["call", "/s", "p50 µs", "p99 µs", "CPU µs of all three"], [
    ...puts.map(({ timing, cpu }) =>
      line(`put, ${timing.concurrency} at a time`, timing, `${cpu}`)
    ),
    line("getSync", reads.sync, ""),
    line("get", reads.local, ""),
    line("get, linearizable", reads.linearizable, ""),
  ]);
}

function partsAlone(p: NonNullable<Results["parts"]>): string {
  const line = (what: string, t: Timing, perCall = 1) => [
    what,
    `${t.p50}`,
    `${t.p99}`,
    count(t.rate * perCall),
  ];
  return table(["part", "p50 µs", "p99 µs", "/s"], [
    line("256 bytes and fdatasync, preallocated file", p.fdatasync),
    line("log: append and sync, one at a time", p.logAppend),
    line("log: append and sync, 64 at a time", p.logAppend64),
    line("round trip between processes, 64 bytes", p.roundTrip),
    line("100 KB to another process, short answer", p.roundTrip100k),
    line("message to a Worker and back", p.channelHop),
    ...p.apply.map(({ batch, timing }) =>
      line(`apply ${batch} inserts (rate in rows)`, timing, batch)
    ),
  ]);
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, at) => at === 0 ? "---" : "--:");
  return [head, rule, ...rows].map(line).join("\n");
}

function percent(value: number): string {
  return `${Math.round(value * 100)} %`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}
