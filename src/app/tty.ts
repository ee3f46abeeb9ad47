import { dlopen, FFIType, ptr } from "bun:ffi";

// What a terminal's driver says and does, through libc. The numbers are each system's own (termios.h). Where they are
// not known here, the engine is asked.

interface Numbers {
  readonly library: string;
  /** Where the local modes lie in a `struct termios`, in bytes. */
  readonly localAt: number;
  /** The bit of them with which the driver hands on whole lines. */
  readonly lines: number;
  /** For tcflush: forget what was typed and not read. */
  readonly typed: number;
}

const systems: Partial<Record<NodeJS.Platform, Numbers>> = {
  linux: { library: "libc.so.6", localAt: 12, lines: 0o2, typed: 0 },
  darwin: { library: "libSystem.B.dylib", localAt: 24, lines: 0x100, typed: 1 },
};

/** Beyond any system's `struct termios`. */
const termiosBytes = 256;

const opened = new Map<string, ReturnType<typeof open>>();

const open = (library: string) =>
  dlopen(library, {
    tcgetattr: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
    tcflush: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  }).symbols;

const libc = ({ library }: Numbers) => {
  const known = opened.get(library) ?? open(library);
  opened.set(library, known);
  return known;
};

/** Whether a terminal hands on whole lines: somebody who made it raw reads keys, and a question would be in the way. */
export const givesLines = (fd: number): boolean => {
  const numbers = systems[process.platform];
  if (process.stdin.isRaw) return false;
  if (!numbers) return true;
  const modes = new Uint8Array(new ArrayBuffer(termiosBytes));
  if (libc(numbers).tcgetattr(fd, ptr(modes)) !== 0) return false;
  return (new DataView(modes.buffer).getUint32(numbers.localAt, true) & numbers.lines) !== 0;
};

/** Forgets what was typed before a question was seen, so that it answers none. */
export const forgetTyped = (fd: number): void => {
  const numbers = systems[process.platform];
  if (numbers) libc(numbers).tcflush(fd, numbers.typed);
};
