import type { CacheTimings } from "./caches.ts";
import type { LiveResults } from "./live.ts";
import type { EventTimings } from "./events.ts";
import { round } from "./load.ts";
import type { LockTimings } from "./locks.ts";
import type { Timing } from "./load.ts";
import type { PartTimings } from "./parts.ts";
import type { MillionTimings, Stretch } from "./million.ts";
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
  if (results.locks) add("Locks", locks(results.locks));
  for (const cache of results.cache ?? []) {
    add(`Caches, ${cache.place}`, caches(cache));
  }
  if (results.million) add("Many resident keys", million(results.million));
  if (results.live) add("Following the database", live(results.live));
  if (results.events) {
    add(
      "Notifications, one at a time, in turns with inserts",
      events(results.events),
    );
  }
  if (results.parts) add("The parts alone", partsAlone(results.parts));
  return parts.join("\n\n") + "\n";
}

function events(
  { inserts, notified, heard, heardByAll }: EventTimings,
): string {
  const rows: [string, Timing][] = [
    ["insert, until it is answered", inserts],
    ["notification, until it is answered", notified],
    ...heard.map((one, at): [string, Timing] => [
      `until a listener has it at ${
        at === 0 ? "the leader" : `follower ${at}`
      }`,
      one,
    ]),
    ["until all three have it", heardByAll],
  ];
  return table(
    ["", "p50 µs", "p99 µs"],
    rows.map(([what, { p50, p99 }]) => [what, count(p50), count(p99)]),
  );
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

function locks({ leader, follower, handover, idle }: LockTimings): string {
  return table(["what", "how much", "beside"], [
    [
      "lock and unlock, the leader's client",
      `${leader.ratio} inserts`,
      `an insert takes ${leader.insertMs} ms`,
    ],
    [
      "lock and unlock, a follower's client",
      `${follower.ratio} inserts`,
      `an insert takes ${follower.insertMs} ms`,
    ],
    [
      "from the client of one member to that of another",
      `${handover.ms} ms`,
      `1.5 inserts and 2 ms are ${round(1.5 * handover.insertMs + 2)} ms`,
    ],
    [
      "processor time in a second with 1,000 who wait",
      `${idle.waiting} ms`,
      `${idle.none} ms without them`,
    ],
  ]);
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

function million(m: MillionTimings): string {
  const rows = [
    ...[...m.stretches].sort((a, b) => a.offered - b.offered).map((one) =>
      [count(one.offered), one] as const
    ),
    [
      `${count(m.joining.offered)}, a member joins in ${count(m.joinedMs)} ms`,
      m.joining,
    ] as const,
  ];
  const longest = (
    { pauses }: Stretch,
    of: "longest" | "ownLongest",
  ): string => pauses.map((each) => `${each[of]}`).join(" / ");
  return table(
    [
      "puts /s offered",
      "done",
      "put p99 µs",
      "SQL write p50, p99 µs",
      "SQL read p50, p99 µs",
      "longest pause of each member's own making, ms",
      "as the clock has it",
      "processors busy",
    ],
    rows.map(([what, one]) => [
      what,
      one.puts ? count(one.puts.rate) : "",
      one.puts ? count(one.puts.p99) : "",
      `${count(one.sql.writes.p50)}, ${count(one.sql.writes.p99)}`,
      `${count(one.sql.reads.p50)}, ${count(one.sql.reads.p99)}`,
      longest(one, "ownLongest"),
      longest(one, "longest"),
      `${one.busy}`,
    ]),
  ) + `\n\n${count(m.keys)} keys, put at ${count(m.filled)} /s; ` +
    `${m.together ? "one member leads" : "two members lead"} both groups; ` +
    m.ratios.map(({ offered, writes, reads }) =>
      `SQL's p99 beside ${count(offered)} /s is ${writes} times (writes) ` +
      `and ${reads} times (reads) the one without; `
    ).join("") + `${m.elections} elections.`;
}

function live({ latency, inserts }: LiveResults): string {
  const heard = [
    ["the write's answer", latency.answer],
    ["changes()", latency.change],
    ["rows of live()", latency.rows],
  ] as const;
  return [
    table(
      ["from a write on a follower to", "p50 µs", "p99 µs"],
      heard.map(([what, { p50, p99 }]) => [what, `${p50}`, `${p99}`]),
    ),
    table(
      [
        "who follows on the leader",
        "inserts /s",
        "p50 µs",
        "CPU µs of all three",
      ],
      inserts.map(({ followers, inserts: { typical, cpu } }) => [
        followers,
        count(typical.rate),
        `${typical.p50}`,
        `${cpu}`,
      ]),
    ),
  ].join("\n\n");
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
  ]) + "\n\n" + cacheApply(p.cacheApply);
}

function cacheApply(timings: PartTimings["cacheApply"]): string {
  return table(
    ["puts of an entry, applied in memory", "µs each, fresh keys", "again"],
    timings.map(({ pack, fresh, again }) => [
      `${pack}`,
      `${fresh}`,
      `${again}`,
    ]),
  );
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
