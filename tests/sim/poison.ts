/** Globals whose use would make a run differ from its repetition. */
const POISONED: readonly (readonly [object, string])[] = [
  [Date, "now"],
  [Math, "random"],
  [performance, "now"],
  [crypto, "getRandomValues"],
  [crypto, "randomUUID"],
  [globalThis, "setTimeout"],
  [globalThis, "setInterval"],
  [globalThis, "fetch"],
];

/** A date of a given time is the same everywhere; the present one is not. */
class TimelessDate extends Date {
  constructor(...facts: ConstructorParameters<typeof Date>) {
    super(...facts);
    if ((facts as unknown[]).length === 0) {
      throw new Error("the present date was used inside the simulation");
    }
  }
}

/** Calls `body` while clocks, randomness, timers and the network of the platform throw; `soon` takes microtasks, if any may be queued. */
export function poisoned<T>(
  body: () => T,
  soon: (task: () => void) => void = () => {
    throw new Error("queueMicrotask was used inside the simulation");
  },
): T {
  const kept = POISONED.map(([owner, key]) =>
    Object.getOwnPropertyDescriptor(owner, key)
  );
  POISONED.forEach(([owner, key]) => {
    Object.defineProperty(owner, key, {
      configurable: true,
      writable: true,
      value: function poison(): never {
        throw new Error(`${key} was used inside the simulation`);
      },
    });
  });
  const { Date, queueMicrotask } = globalThis;
  globalThis.Date = TimelessDate as DateConstructor;
  globalThis.queueMicrotask = soon;
  try {
    return body();
  } finally {
    globalThis.Date = Date;
    globalThis.queueMicrotask = queueMicrotask;
    POISONED.forEach(([owner, key], i) => {
      const descriptor = kept[i];
      if (descriptor !== undefined) {
        Object.defineProperty(owner, key, descriptor);
      } else delete (owner as Record<string, unknown>)[key];
    });
  }
}
