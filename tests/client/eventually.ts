/** Tries until `check` passes, a minute at most, however slow the machine; then throws what it threw last. */
export async function eventually(
  check: () => void | Promise<void>,
): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
