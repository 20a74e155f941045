/** Runs events in the order of virtual time; ties in the order they were made. */
export class Scheduler {
  readonly #times: number[] = [];
  readonly #sequences: number[] = [];
  readonly #events: (() => void)[] = [];
  #now = 0;
  #sequence = 0;
  #ran = 0;

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.#now;
  }

  /** Events run so far. */
  get ran(): number {
    return this.#ran;
  }

  /** Runs `event` after `delay` virtual milliseconds. */
  after(delay: number, event: () => void): void {
    this.#push(this.#now + Math.max(0, delay), this.#sequence++, event);
  }

  /** Runs the next event; false if there is none before `until`. */
  step(until: number): boolean {
    const time = this.#times[0];
    if (time === undefined || time > until) {
      this.#now = Math.max(this.#now, until);
      return false;
    }
    this.#now = time;
    const event = this.#events[0]!;
    this.#pop();
    this.#ran++;
    event();
    return true;
  }

  #less(a: number, b: number): boolean {
    const at = this.#times[a]!;
    const bt = this.#times[b]!;
    return at < bt || (at === bt && this.#sequences[a]! < this.#sequences[b]!);
  }

  #swap(a: number, b: number): void {
    const time = this.#times[a]!;
    const sequence = this.#sequences[a]!;
    const event = this.#events[a]!;
    this.#times[a] = this.#times[b]!;
    this.#sequences[a] = this.#sequences[b]!;
    this.#events[a] = this.#events[b]!;
    this.#times[b] = time;
    this.#sequences[b] = sequence;
    this.#events[b] = event;
  }

  #push(time: number, sequence: number, event: () => void): void {
    let at = this.#times.length;
    this.#times.push(time);
    this.#sequences.push(sequence);
    this.#events.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#less(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #pop(): void {
    const last = this.#times.length - 1;
    this.#swap(0, last);
    this.#times.pop();
    this.#sequences.pop();
    this.#events.pop();
    let at = 0;
    while (true) {
      const left = 2 * at + 1;
      const right = left + 1;
      let least = at;
      if (left < last && this.#less(left, least)) least = left;
      if (right < last && this.#less(right, least)) least = right;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }
}
