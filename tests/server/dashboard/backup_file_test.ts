import assert from "node:assert/strict";
import { backupFromJson } from "../../../src/api/backup_json.ts";
import { HiqliteError } from "../../../src/errors.ts";
import type { MemberBackups } from "../../../src/node/backup_port.ts";
import { byteStream } from "../../../src/server/dashboard/byte_stream.ts";
import { FakeMember } from "../../client/fake_member.ts";
import { cheapHash, HOST, Page, PAGE_HEADERS } from "./with_dashboard.ts";

const NAME = "backup_node_1_1700000000.sqlite";
const PATH = `/dashboard/api/backups/file?name=${NAME}`;

/** A member with one backup of nine bytes, which come as they are asked for. */
class BackedUp extends FakeMember {
  readonly cancelled: unknown[] = [];

  override get backups(): MemberBackups {
    return {
      begin: () => Promise.reject(new HiqliteError("conflict", "not here")),
      list: () => [{
        id: "a",
        cluster: "c0ffee",
        began: 7,
        at: 1_000,
        slot: null,
        name: NAME,
        uploader: "1.00000000000000aa",
        attempt: 1,
        state: "done",
        contents: {
          index: 8,
          term: 1,
          timeMs: 900,
          hash: 5,
          size: 9,
          sha256: "00",
        },
        place: "folder",
        ended: 2_000,
        checked: { slot: 3_000, at: 3_100, problem: "it is cut" },
      }],
      next: () => 86_400_000,
      file: (name) => {
        if (name !== NAME) {
          throw new HiqliteError("not_found", `There is no ${name}`);
        }
        let part = 0;
        const bytes = new ReadableStream<Uint8Array>({
          pull: (controller) => {
            if (part === 3) controller.close();
            else controller.enqueue(new Uint8Array(3).fill(++part));
          },
          cancel: (why) => void this.cancelled.push(why),
        }, { highWaterMark: 0 });
        return Promise.resolve({ name, size: 9, bytes });
      },
    };
  }
}

Deno.test("a backup is sent as a file to who may do everything, and that is remembered", async () => {
  await using page = new Page({}, new BackedUp());
  const cookie = await page.admin();
  const sent = await page.ask("GET", PATH, { headers: { cookie } });
  assert.equal(sent.status, 200);
  assert.equal(sent.text, "\x01\x01\x01\x02\x02\x02\x03\x03\x03");
  const { headers } = sent;
  assert.equal(headers.get("content-length"), "9");
  assert.equal(
    headers.get("content-disposition"),
    `attachment; filename="${NAME}"`,
  );
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.equal(headers.get("cache-control"), "no-store");
  const [note] = page.member.audit.latest();
  assert.deepEqual(
    [note!.action, note!.detail, note!.outcome],
    ["backupFile", NAME, "done"],
  );
  for (
    const [query, status] of [
      ["", 400],
      ["?name=x", 404],
      ["?name=a&name=b", 400],
      ["?other=1", 400],
    ] as const
  ) {
    const { status: answered } = await page.ask(
      "GET",
      `/dashboard/api/backups/file${query}`,
      { headers: { cookie } },
    );
    assert.equal(answered, status, query);
  }
});

Deno.test("backups are listed with when the next one is, and what the last look at each found", async () => {
  await using page = new Page({}, new BackedUp());
  const { json } = await page.ask("GET", "/dashboard/api/backups", {
    headers: { cookie: await page.admin() },
  });
  assert.equal(json.next_ms, 86_400_000);
  const [backup] = json.backups;
  assert.deepEqual(
    [backup.name, backup.size, backup.place, backup.taken_by],
    [NAME, 9, "folder", "1.00000000000000aa"],
  );
  assert.deepEqual(
    [backup.checked_ms, backup.check_slot_ms, backup.check_problem],
    [3_100, 3_000, "it is cut"],
  );
  assert.deepEqual(
    backupFromJson(backup),
    page.member.backups.list()[0],
  );
});

Deno.test("two backups are on their way at a time: the next one waits for the end of one, or for its being given up", async () => {
  const member = new BackedUp();
  await using page = new Page({}, member);
  const cookie = await page.admin();
  const begin = async () =>
    await page.app.request(PATH, { headers: { ...PAGE_HEADERS, cookie } });
  const [first, second] = [await begin(), await begin()];
  const refused = await page.ask("GET", PATH, { headers: { cookie } });
  assert.equal(refused.status, 429);
  assert.equal(refused.json.error.code, "overloaded");
  await first.body!.cancel();
  assert.equal(member.cancelled.length, 1);
  const third = await begin();
  assert.equal(third.status, 200);
  assert.equal((await second.arrayBuffer()).byteLength, 9);
  const fourth = await begin();
  assert.equal(fourth.status, 200);
  for (const each of [third, fourth]) await each.body!.cancel();
});

Deno.test("who asks with HEAD for a backup has its length, and is in nobody's way", async () => {
  const member = new BackedUp();
  await using page = new Page({}, member);
  const cookie = await page.admin();
  for (let asked = 1; asked <= 3; asked++) {
    const { status, headers, text } = await page.ask("HEAD", PATH, {
      headers: { cookie },
    });
    assert.equal(status, 200);
    assert.equal(headers.get("content-length"), "9");
    assert.equal(text, "");
    assert.equal(member.cancelled.length, asked);
  }
});

Deno.test("a download ends with its session, and is then known to be cut", async () => {
  const member = new BackedUp();
  await using page = new Page({
    password: await cheapHash("everything"),
  }, member);
  const { cookie } = await page.login({ password: "everything" });
  const { body } = await page.app.request(PATH, {
    headers: { ...PAGE_HEADERS, host: HOST, cookie },
  });
  const reader = body!.getReader();
  assert.equal((await reader.read()).done, false);
  await page.ask("DELETE", "/dashboard/api/session", { headers: { cookie } });
  await assert.rejects(async () => {
    await reader.closed;
  }, { code: "unauthorized" });
  assert.equal(member.cancelled.length, 1);
});

Deno.test("bytes that nobody takes, or that fail, end once", async () => {
  const ends: string[] = [];
  const stream = (name: string, bytes: ReadableStream<Uint8Array>) =>
    byteStream({
      bytes,
      lasts: () => () => ends.push(`${name} unwatched`),
      stallMs: 20,
      ended: () => ends.push(name),
    });
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1)),
  }, { highWaterMark: 0 });
  const stalled = stream("stalled", endless).getReader();
  await stalled.read();
  await assert.rejects(async () => {
    await stalled.closed;
  }, /takes nothing any more/);
  const broken = stream(
    "broken",
    new ReadableStream({
      pull: () => Promise.reject(new Error("damaged")),
    }, { highWaterMark: 0 }),
  ).getReader();
  await assert.rejects(async () => await broken.read(), /damaged/);
  assert.deepEqual(ends, [
    "stalled unwatched",
    "stalled",
    "broken unwatched",
    "broken",
  ]);
});
