import { declared, errno } from "../../../base/fault.ts";

/** `error-code` of wasi:filesystem/types by the system's errno; what WASI does not name is `io`. */
const codes: Readonly<Record<string, string>> = {
  EACCES: "access",
  EAGAIN: "would-block",
  EWOULDBLOCK: "would-block",
  EALREADY: "already",
  EBADF: "bad-descriptor",
  EBUSY: "busy",
  EDEADLK: "deadlock",
  EDQUOT: "quota",
  EEXIST: "exist",
  EFBIG: "file-too-large",
  EILSEQ: "illegal-byte-sequence",
  EINPROGRESS: "in-progress",
  EINTR: "interrupted",
  EINVAL: "invalid",
  EIO: "io",
  EISDIR: "is-directory",
  ELOOP: "loop",
  EMFILE: "insufficient-memory",
  EMLINK: "too-many-links",
  EMSGSIZE: "message-size",
  ENAMETOOLONG: "name-too-long",
  ENFILE: "insufficient-memory",
  ENODEV: "no-device",
  ENOENT: "no-entry",
  ENOLCK: "no-lock",
  ENOMEM: "insufficient-memory",
  ENOSPC: "insufficient-space",
  ENOSYS: "unsupported",
  ENOTDIR: "not-directory",
  ENOTEMPTY: "not-empty",
  ENOTRECOVERABLE: "not-recoverable",
  ENOTSUP: "unsupported",
  ENOTTY: "no-tty",
  ENXIO: "no-such-device",
  EOPNOTSUPP: "unsupported",
  EOVERFLOW: "overflow",
  EPERM: "not-permitted",
  EPIPE: "pipe",
  EROFS: "read-only",
  ESPIPE: "invalid-seek",
  ETXTBSY: "text-file-busy",
  EXDEV: "cross-device",
};

/** The error-code of what the system, or the sandbox in its stead, refused; undefined for any other error. */
export const errorCode = (error: unknown): string | undefined => {
  const code = errno(error);
  // The engine's own complaints ("ERR_INVALID_ARG_VALUE") are bugs of ours, not the system's answers.
  if (code === undefined || code.startsWith("ERR_")) return undefined;
  return codes[code] ?? "io";
};

/** Runs what may be refused; the guest gets the refusal as its error-code, a bug stays one. */
export const refusable = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    const code = errorCode(error);
    throw code === undefined ? error : declared(code);
  }
};
