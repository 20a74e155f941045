import { assert } from "../../../util/assert.ts";
import { NO_BYTES } from "../../../util/bytes.ts";
import { framed, LENGTH_BYTES, lengthIn } from "./frame.ts";
import type { Interrupts } from "./interrupts.ts";

const Word = {
  requestHead: 0,
  requestTail: 1,
  answerHead: 2,
  answerTail: 3,
  workerSignal: 4,
  callerSignal: 5,
  /** 1 while the caller waits for room in the request ring. */
  callerBlocked: 6,
  /** 1 while the Worker waits for room in the answer ring. */
  workerBlocked: 7,
} as const;

const CONTROL_WORDS = 16;
/** Behind the words above: the Worker's interrupt handle, 64 bits. */
const INTERRUPT_HANDLE_AT = 32;
/** Behind the handle: 1 while the caller may have read it and interrupts by it. */
const INTERRUPTING = 10;
/** How often the caller interrupted the Worker or gave it up, modulo 2^32. */
const INTERRUPTS = 11;
/** 1 once the caller has given the Worker up. */
const GIVEN_UP = 12;
/** How long a Worker sleeps before it looks again whether it is being interrupted, ms. */
const LOOK_MS = 1;
const MESSAGE_BYTES_MAX = 1024 * 1024 * 1024;

/** A byte ring with one writing and one reading thread; positions count bytes modulo 2^32. */
class Ring {
  readonly #control: Int32Array;
  readonly #head: number;
  readonly #tail: number;
  readonly #data: Uint8Array;
  readonly #mask: number;

  constructor(
    control: Int32Array,
    head: number,
    tail: number,
    data: Uint8Array,
  ) {
    this.#control = control;
    this.#head = head;
    this.#tail = tail;
    this.#data = data;
    this.#mask = data.length - 1;
  }

  /** Writes as much of `bytes` from `start` on as there is room for; answers how much. */
  write(bytes: Uint8Array, start: number): number {
    const head = Atomics.load(this.#control, this.#head);
    const tail = Atomics.load(this.#control, this.#tail);
    const room = this.#data.length - ((head - tail) >>> 0);
    const count = Math.min(room, bytes.length - start);
    if (count === 0) return 0;
    const at = head & this.#mask;
    const first = Math.min(count, this.#data.length - at);
    this.#data.set(bytes.subarray(start, start + first), at);
    if (first < count) {
      this.#data.set(bytes.subarray(start + first, start + count), 0);
    }
    Atomics.store(this.#control, this.#head, (head + count) | 0);
    return count;
  }

  /** Fills `into` from `start` on with as much as there is; answers how much. */
  read(into: Uint8Array, start: number): number {
    const head = Atomics.load(this.#control, this.#head);
    const tail = Atomics.load(this.#control, this.#tail);
    const count = Math.min((head - tail) >>> 0, into.length - start);
    if (count === 0) return 0;
    const at = tail & this.#mask;
    const first = Math.min(count, this.#data.length - at);
    into.set(this.#data.subarray(at, at + first), start);
    if (first < count) {
      into.set(this.#data.subarray(0, count - first), start + first);
    }
    Atomics.store(this.#control, this.#tail, (tail + count) | 0);
    return count;
  }
}

/** Puts messages together from the pieces that a ring holds. */
class MessageReader {
  readonly #ring: Ring;
  readonly #header = new Uint8Array(LENGTH_BYTES);
  #body: Uint8Array | null = null;
  #filled = 0;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  /** Takes what is there; `moved` tells whether it was anything. */
  poll(): { message: Uint8Array | null; moved: boolean } {
    let moved = false;
    if (this.#body === null) {
      const count = this.#ring.read(this.#header, this.#filled);
      moved = count > 0;
      this.#filled += count;
      if (this.#filled < LENGTH_BYTES) return { message: null, moved };
      const length = lengthIn(this.#header);
      assert(length <= MESSAGE_BYTES_MAX, `a message of ${length} bytes`);
      this.#body = new Uint8Array(length);
      this.#filled = 0;
    }
    const count = this.#ring.read(this.#body, this.#filled);
    this.#filled += count;
    moved ||= count > 0;
    if (this.#filled < this.#body.length) return { message: null, moved };
    const message = this.#body;
    this.#body = null;
    this.#filled = 0;
    return { message, moved: true };
  }
}

/**
 * The memory of a channel between the event loop and a Worker: two byte rings and a
 * signal for each side. A round trip costs a tenth of one by `postMessage`.
 */
export function createChannelMemory(ringBytes: number): SharedArrayBuffer {
  assert(
    ringBytes >= 64 && (ringBytes & (ringBytes - 1)) === 0,
    `ring size is no power of two: ${ringBytes}`,
  );
  return new SharedArrayBuffer(CONTROL_WORDS * 4 + 2 * ringBytes);
}

function openMemory(memory: SharedArrayBuffer): {
  control: Int32Array<SharedArrayBuffer>;
  handle: BigInt64Array<SharedArrayBuffer>;
  requests: Ring;
  answers: Ring;
} {
  const control = new Int32Array(memory, 0, CONTROL_WORDS);
  const handle = new BigInt64Array(memory, INTERRUPT_HANDLE_AT, 1);
  const ringBytes = (memory.byteLength - CONTROL_WORDS * 4) / 2;
  const at = CONTROL_WORDS * 4;
  return {
    control,
    handle,
    requests: new Ring(
      control,
      Word.requestHead,
      Word.requestTail,
      new Uint8Array(memory, at, ringBytes),
    ),
    answers: new Ring(
      control,
      Word.answerHead,
      Word.answerTail,
      new Uint8Array(memory, at + ringBytes, ringBytes),
    ),
  };
}

/** The end on an event loop: never blocks. Its owner bounds how much is sent. */
export class CallerEnd {
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #requests: Ring;
  readonly #answers: MessageReader;
  readonly #handle: BigInt64Array<SharedArrayBuffer>;
  readonly #onMessage: (message: Uint8Array) => void;
  readonly #unsent: Uint8Array[] = [];
  #sentOfFirst = 0;
  #closed = false;

  /** Calls `onMessage` for each message of the other end. */
  constructor(
    memory: SharedArrayBuffer,
    onMessage: (message: Uint8Array) => void,
  ) {
    const { control, handle, requests, answers } = openMemory(memory);
    this.#control = control;
    this.#handle = handle;
    this.#requests = requests;
    this.#answers = new MessageReader(answers);
    this.#onMessage = onMessage;
    this.#listen();
  }

  /** Interrupts what the Worker runs, unless it is spared: never by a handle that the Worker has given up. */
  interrupt(interrupt: (handle: bigint) => void): void {
    Atomics.store(this.#control, INTERRUPTING, 1);
    try {
      const handle = Atomics.load(this.#handle, 0);
      if (handle === 0n) return;
      Atomics.add(this.#control, INTERRUPTS, 1);
      interrupt(handle);
    } finally {
      Atomics.store(this.#control, INTERRUPTING, 0);
    }
  }

  /** Sends a message, in pieces as room appears. */
  send(message: Uint8Array): void {
    this.#unsent.push(framed(message));
    this.#pump();
  }

  /** Calls nobody back any more. */
  close(): void {
    this.#closed = true;
    Atomics.add(this.#control, Word.callerSignal, 1);
    Atomics.notify(this.#control, Word.callerSignal);
  }

  /** Has the Worker end after what it runs now, whatever it was asked, and calls nobody back any more. */
  giveUp(): void {
    Atomics.store(this.#control, GIVEN_UP, 1);
    // What it runs now shall not take effect: another Worker may have begun in its place.
    Atomics.add(this.#control, INTERRUPTS, 1);
    this.#wakeWorker();
    this.close();
  }

  #pump(): void {
    let moved = false;
    while (this.#unsent.length > 0) {
      const frame = this.#unsent[0]!;
      const count = this.#requests.write(frame, this.#sentOfFirst);
      moved ||= count > 0;
      this.#sentOfFirst += count;
      if (this.#sentOfFirst < frame.length) {
        // Ask to be woken, then look again: the reader may have made room in between.
        if (Atomics.exchange(this.#control, Word.callerBlocked, 1) === 1) break;
        continue;
      }
      this.#unsent.shift();
      this.#sentOfFirst = 0;
    }
    if (this.#unsent.length === 0) {
      Atomics.store(this.#control, Word.callerBlocked, 0);
    }
    if (moved) this.#wakeWorker();
  }

  #wakeWorker(): void {
    Atomics.add(this.#control, Word.workerSignal, 1);
    Atomics.notify(this.#control, Word.workerSignal);
  }

  #listen(): void {
    while (!this.#closed) {
      const seen = Atomics.load(this.#control, Word.callerSignal);
      this.#drain();
      if (this.#closed) return;
      this.#pump();
      const wait = Atomics.waitAsync(this.#control, Word.callerSignal, seen);
      if (wait.async) {
        wait.value.then(() => this.#listen());
        return;
      }
    }
  }

  #drain(): void {
    let consumed = false;
    while (!this.#closed) {
      const { message, moved } = this.#answers.poll();
      consumed ||= moved;
      if (message === null) {
        // Only if it waits for room: waking a sleeping thread costs more than all the rest.
        if (
          consumed &&
          Atomics.exchange(this.#control, Word.workerBlocked, 0) === 1
        ) this.#wakeWorker();
        return;
      }
      this.#onMessage(message);
    }
  }
}

/** The end in a Worker that does nothing else: blocks. */
export class WorkerEnd implements Interrupts {
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #handle: BigInt64Array<SharedArrayBuffer>;
  readonly #requests: MessageReader;
  readonly #answers: Ring;
  #interruptible: () => bigint = () => 0n;

  /** Joins the channel. */
  constructor(memory: SharedArrayBuffer) {
    const { control, handle, requests, answers } = openMemory(memory);
    this.#control = control;
    this.#handle = handle;
    this.#requests = new MessageReader(requests);
    this.#answers = answers;
  }

  /** Says what tells by what this Worker can be interrupted; 0: by nothing. */
  set interruptible(handle: () => bigint) {
    this.#interruptible = handle;
    this.spare(() => {});
  }

  /** See {@linkcode Interrupts}. */
  get count(): number {
    return Atomics.load(this.#control, INTERRUPTS);
  }

  /** It can be interrupted by what it says now. */
  offer(): void {
    Atomics.store(this.#handle, 0, this.#interruptible());
  }

  /** See {@linkcode Interrupts}. */
  spare(work: () => void): void {
    Atomics.store(this.#handle, 0, 0n);
    // Whoever read it before still interrupts.
    while (Atomics.load(this.#control, INTERRUPTING) === 1) {
      Atomics.wait(this.#control, INTERRUPTING, 1, LOOK_MS);
    }
    try {
      work();
    } finally {
      this.offer();
    }
  }

  /** Waits for the next message; an empty one if the caller has given this Worker up. */
  receive(): Uint8Array {
    for (;;) {
      const seen = Atomics.load(this.#control, Word.workerSignal);
      if (this.#givenUp) return NO_BYTES;
      const { message, moved } = this.#requests.poll();
      if (
        moved && Atomics.exchange(this.#control, Word.callerBlocked, 0) === 1
      ) this.#wakeCaller();
      if (message !== null) return message;
      if (!moved) Atomics.wait(this.#control, Word.workerSignal, seen);
    }
  }

  /** Sends a message; waits while there is no room, unless nobody listens any more. */
  send(message: Uint8Array): void {
    const frame = framed(message);
    let sent = 0;
    while (sent < frame.length) {
      const seen = Atomics.load(this.#control, Word.workerSignal);
      if (this.#givenUp) return;
      const count = this.#answers.write(frame, sent);
      sent += count;
      if (count > 0) this.#wakeCaller();
      // Ask to be woken, then look again: the reader may have made room in between.
      else if (Atomics.exchange(this.#control, Word.workerBlocked, 1) === 1) {
        Atomics.wait(this.#control, Word.workerSignal, seen);
      }
    }
    Atomics.store(this.#control, Word.workerBlocked, 0);
  }

  get #givenUp(): boolean {
    return Atomics.load(this.#control, GIVEN_UP) === 1;
  }

  #wakeCaller(): void {
    Atomics.add(this.#control, Word.callerSignal, 1);
    Atomics.notify(this.#control, Word.callerSignal);
  }
}
