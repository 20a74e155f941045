import assert from "node:assert/strict";
import { isTimeZone, Schedule } from "../../src/backup/schedule.ts";

const NOW = Date.UTC(2026, 10, 27, 9, 0, 0);

function runs(
  expression: string,
  zone: string,
  from: string,
  count: number,
): string[] {
  let at = Date.parse(from);
  const schedule = new Schedule(expression, zone, at);
  return Array.from({ length: count }, () => {
    at = schedule.next(at)!;
    return new Date(at).toISOString();
  });
}

Deno.test("Schedule reads Hiqlite's default: each night at half past two", () => {
  assert.deepEqual(runs("0 30 2 * * * *", "UTC", "2026-11-27T09:00:00Z", 2), [
    "2026-11-28T02:30:00.000Z",
    "2026-11-29T02:30:00.000Z",
  ]);
});

Deno.test("Schedule counts days of the week from Sunday, as Hiqlite does, or takes names", () => {
  const sunday = "2026-11-29T02:30:00.000Z";
  const monday = "2026-11-30T02:30:00.000Z";
  for (
    const [days, expected] of [
      ["1", sunday],
      ["2", monday],
      ["Sun", sunday],
      ["Mon", monday],
    ] as const
  ) {
    const [first] = runs(`0 30 2 ? * ${days} *`, "UTC", "2026-11-27T09:00Z", 1);
    assert.equal(first, expected, days);
  }
});

Deno.test("Schedule runs only on days that match both kinds of days", () => {
  assert.deepEqual(runs("0 0 0 1 * Mon *", "UTC", "2026-11-27T09:00Z", 2), [
    "2027-02-01T00:00:00.000Z",
    "2027-03-01T00:00:00.000Z",
  ]);
});

Deno.test("Schedule reads steps from a number on, years and lists", () => {
  assert.deepEqual(runs("10/20 * * * * * *", "UTC", "2026-11-27T09:00Z", 3), [
    "2026-11-27T09:00:10.000Z",
    "2026-11-27T09:00:30.000Z",
    "2026-11-27T09:00:50.000Z",
  ]);
  assert.deepEqual(
    runs("0 0 12 24 Dec,Jan * 2027-2028", "UTC", "2026-11-27T09:00Z", 3),
    [
      "2027-01-24T12:00:00.000Z",
      "2027-12-24T12:00:00.000Z",
      "2028-01-24T12:00:00.000Z",
    ],
  );
});

Deno.test("Schedule runs hourly through the hour that comes twice, and does not lose the night without half past two", () => {
  assert.deepEqual(
    runs("0 0 * * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 4),
    [0, 1, 2, 3].map((hour) => `2026-10-25T0${hour}:00:00.000Z`),
  );
  const [first, second] = runs(
    "0 30 2 * * * *",
    "Europe/Berlin",
    "2026-03-28T12:00:00Z",
    2,
  );
  assert.equal(first!.slice(0, 10), "2026-03-29");
  assert.equal(second, "2026-03-30T00:30:00.000Z");
});

Deno.test("Schedule knows what ran before a time: strictly before", () => {
  const schedule = new Schedule("0 30 2 * * * *", "UTC", NOW);
  const due = Date.parse("2026-11-27T02:30:00Z");
  assert.equal(schedule.previous(NOW), due);
  assert.equal(schedule.previous(due + 1), due);
  assert.equal(schedule.previous(due), due - 86_400_000);
  assert.equal(schedule.next(due), due + 86_400_000);
  assert.equal(schedule.next(due - 1), due);
});

Deno.test("Schedule has no run after the last year, and none before the first", () => {
  const schedule = new Schedule("0 0 0 1 1 * 2027", "UTC", NOW);
  const only = Date.parse("2027-01-01T00:00:00Z");
  assert.equal(schedule.previous(NOW), null);
  assert.equal(schedule.next(NOW), only);
  assert.equal(schedule.next(only), null);
});

Deno.test("Schedule refuses what it cannot read, and what never comes true", () => {
  for (
    const [expression, problem] of [
      ["30 2 * * *", /six or seven fields/],
      ["", /six or seven fields/],
      ["0 30 2 * * * * *", /six or seven fields/],
      ["0 61 2 * * * *", /minute/],
      ["0 0 0 * * 0 *", /dayOfWeek/],
      ["0 0 0 * * Someday *", /.+/],
      ["0 0 3 30 2 * *", /never comes true/],
      ["0 0 0 1 1 * 2020", /never comes true/],
    ] as const
  ) {
    assert.throws(
      () => new Schedule(expression, "UTC", NOW),
      (error) => error instanceof RangeError && problem.test(error.message),
      expression,
    );
  }
  assert.throws(() => new Schedule("0 0 0 * * * *", "Mars/Base", NOW));
});

Deno.test("isTimeZone() knows zones by their names", () => {
  assert.deepEqual(
    ["UTC", "Europe/Berlin", "Mars/Base", ""].map(isTimeZone),
    [true, true, false, false],
  );
});
