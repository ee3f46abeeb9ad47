import type { Stdio } from "../../host/provider.ts";

export interface BufferStdio extends Stdio {
  /** What the guest has written so far. */
  stdoutText(): string;
  stderrText(): string;
  stdoutBytes(): Uint8Array;
}

/** Standard streams in memory: `input` is all that stdin holds; outputs are kept. No terminal. */
export const bufferStdio = (input: string | Uint8Array = ""): BufferStdio => {
  let left: Uint8Array = typeof input === "string" ? new TextEncoder().encode(input) : input;
  const stdout = bufferSink();
  const stderr = bufferSink();
  return {
    stdin: {
      isTerminal: false,
      read(max) {
        if (max === 0) return new Uint8Array(0);
        if (left.length === 0) return undefined;
        const bytes = left.subarray(0, max);
        left = left.subarray(max);
        return bytes;
      },
    },
    stdout,
    stderr,
    stdoutText: () => stdout.bytes().toString(),
    stderrText: () => stderr.bytes().toString(),
    stdoutBytes: () => new Uint8Array(stdout.bytes()),
  };
};

const bufferSink = () => {
  const chunks: Uint8Array[] = [];
  return {
    isTerminal: false,
    write: (bytes: Uint8Array) => void chunks.push(bytes.slice()),
    flush: () => {},
    bytes: () => Buffer.concat(chunks),
  };
};
