/** What this device keeps under a key; null of nothing, or where storage is turned off. */
export function readStored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Keeps a text on this device, if it can. */
export function writeStored(key: string, text: string): void {
  try {
    localStorage.setItem(key, text);
  } catch {
    // Full, or turned off: the page works without.
  }
}

/** Forgets every key that begins so. */
export function removeStored(prefix: string): void {
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(prefix)) localStorage.removeItem(key);
    }
  } catch {
    // Turned off: nothing was kept.
  }
}
