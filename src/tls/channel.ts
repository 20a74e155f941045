/** Both directions of a connection, as `Deno.Conn` has them. */
export interface Channel {
  /** Fills the beginning of `into`; null at the end of what the other side sends. */
  read(into: Uint8Array): Promise<number | null>;
  /** Resolves with how much of `bytes` was taken. */
  write(bytes: Uint8Array): Promise<number>;
  /** Nothing more will be written. */
  closeWrite(): Promise<void>;
  /** Ends both directions. */
  close(): void;
}

/** A channel on which `bytes` come first. */
export function prefixed(bytes: Uint8Array, channel: Channel): Channel {
  let rest = bytes;
  return {
    read: (into) => {
      if (rest.length === 0) return channel.read(into);
      const count = Math.min(rest.length, into.length);
      into.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return Promise.resolve(count);
    },
    write: (chunk) => channel.write(chunk),
    closeWrite: () => channel.closeWrite(),
    close: () => channel.close(),
  };
}
