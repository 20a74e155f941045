/** More than this on its way stops the sender, as a full window does, bytes. */
const WINDOW_BYTES = 4 * 1024 * 1024;

interface Parcel {
  readonly bytes: Uint8Array;
  readonly dueAt: number;
}

/** Writes to one end of a connection: each piece when it is due, never two at once. */
export class Delivery {
  readonly #to: Pick<Deno.TcpConn, "write">;
  readonly #gate: () => Promise<void> | undefined;
  readonly #broken: () => void;
  /** The first one due first. */
  readonly #parcels: Parcel[] = [];
  #bytes = 0;
  #lastDueAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing = false;
  #failed = false;
  #changed = Promise.withResolvers<void>();

  /** Writes to `to` when the gate, if there is one, has opened; `broken` is called when that fails. */
  constructor(
    to: Pick<Deno.TcpConn, "write">,
    gate: () => Promise<void> | undefined,
    broken: () => void,
  ) {
    this.#to = to;
    this.#gate = gate;
    this.#broken = broken;
  }

  /** Adds something to be delivered after `ms`, but not before what was added before. */
  send(bytes: Uint8Array, ms: number): void {
    this.#lastDueAt = Math.max(this.#lastDueAt, performance.now() + ms);
    this.#add({ bytes, dueAt: this.#lastDueAt });
  }

  /**
   * Adds something that what is added later may overtake: it is delivered `lateMs`
   * after its turn. It overtakes nothing itself, such as the handshake before it.
   */
  sendAstray(bytes: Uint8Array, ms: number, lateMs: number): void {
    const turn = Math.max(this.#lastDueAt, performance.now() + ms);
    this.#add({ bytes, dueAt: turn + lateMs });
  }

  /** Waits until there is room. @throws {Error} if the connection is broken. */
  async room(): Promise<void> {
    await this.#below(WINDOW_BYTES);
  }

  /** Waits until everything is delivered. @throws {Error} if the connection is broken. */
  async drained(): Promise<void> {
    await this.#below(1);
  }

  /** Forgets what is not delivered. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#failed = true;
    this.#parcels.length = 0;
    this.#notify();
  }

  async #below(bytes: number): Promise<void> {
    while (this.#bytes >= bytes && !this.#failed) await this.#changed.promise;
    if (this.#failed) throw new Error("the connection is broken");
  }

  #add(parcel: Parcel): void {
    if (this.#failed) return;
    const later = this.#parcels.findIndex(({ dueAt }) => dueAt > parcel.dueAt);
    this.#parcels.splice(
      later < 0 ? this.#parcels.length : later,
      0,
      parcel,
    );
    this.#bytes += parcel.bytes.length;
    this.#wait();
  }

  #wait(): void {
    const [next] = this.#parcels;
    if (this.#writing || next === undefined) return;
    clearTimeout(this.#timer);
    const ms = next.dueAt - performance.now();
    if (ms <= 0) void this.#deliver();
    else this.#timer = setTimeout(() => this.#wait(), Math.ceil(ms));
  }

  async #deliver(): Promise<void> {
    this.#writing = true;
    try {
      while ((this.#parcels[0]?.dueAt ?? Infinity) <= performance.now()) {
        await this.#gate();
        const parcel = this.#parcels.shift();
        if (parcel === undefined) return;
        await this.#write(parcel.bytes);
        this.#bytes -= parcel.bytes.length;
        this.#notify();
      }
    } catch {
      this.stop();
      this.#broken();
    }
    this.#writing = false;
    this.#wait();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#to.write(bytes.subarray(sent));
    }
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
