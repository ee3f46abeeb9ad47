/** The system's library of C, by the name under which it is loaded; undefined where it is not known. */
export const libc: string | undefined = { linux: "libc.so.6", darwin: "libSystem.B.dylib" }[
  process.platform as string
];
