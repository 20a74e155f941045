/** A Worker that ends with its first call. */
self.onmessage = ({ data }) => {
  if ("call" in data) throw new Error("broken on purpose");
};
