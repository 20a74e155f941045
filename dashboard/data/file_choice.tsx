import type { VNode } from "preact";

/** A field that takes a file of this device. */
export function FileChoice(
  { accept, disabled, onFile }: {
    /** Endings and types, as browsers take them. */
    readonly accept: string;
    readonly disabled: boolean;
    readonly onFile: (file: File) => void;
  },
): VNode {
  return (
    <label class="field">
      <span class="label">File</span>
      <input
        type="file"
        class="input"
        accept={accept}
        disabled={disabled}
        onChange={(event) => {
          const [file] = event.currentTarget.files ?? [];
          if (file !== undefined) onFile(file);
        }}
      />
    </label>
  );
}
