/** Answers every message with itself, to measure the way there and back. */
const port = globalThis as unknown as Worker;
port.onmessage = ({ data }) => port.postMessage(data);
