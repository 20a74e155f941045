/** Gives a file to the browser's downloads. Its name is made by the page, never by the data. */
export function saveFile(parts: BlobPart[], name: string): void {
  const url = URL.createObjectURL(
    new Blob(parts, { type: "application/octet-stream" }),
  );
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then; it keeps what it reads.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
