import { SegmentLog } from "../../src/log/segment_log.ts";
import { DatabaseFiles } from "../../src/state/sqlite/files/files.ts";
import { FileSink } from "../../src/state/sqlite/files/snapshot_files.ts";

/**
 * Loaded before a member's own code: at the moment of receiving or installing a
 * snapshot that `TEST_SIGNAL_AT` names, the process sends itself a signal.
 */
const [signal, place, count] = (Deno.env.get("TEST_SIGNAL_AT") ?? "")
  .split(",");

function reach(here: string, at: number): void {
  if (here === place && at === Number(count)) {
    Deno.stderr.writeSync(
      new TextEncoder().encode(`${signal} at ${place} ${count}\n`),
    );
    Deno.kill(Deno.pid, signal as Deno.Signal);
  }
}

const { write, finish } = FileSink.prototype;
let chunks = 0;
FileSink.prototype.write = function (chunk, done) {
  reach("chunk", ++chunks);
  write.call(this, chunk, done);
};
FileSink.prototype.finish = function (expected, done) {
  reach("received", 0);
  finish.call(this, expected, done);
};

const { installSteps } = DatabaseFiles.prototype;
DatabaseFiles.prototype.installSteps = function (received) {
  return installSteps.call(this, received).map((step, i) => async () => {
    reach("before step", i + 1);
    await step();
    reach("after step", i + 1);
  });
};

const { reset } = SegmentLog.prototype;
SegmentLog.prototype.reset = function (last) {
  reach("reset", 1);
  reset.call(this, last);
  reach("reset", 2);
};
