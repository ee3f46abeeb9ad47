import { SQLiteError } from "bun:sqlite";
import { errno } from "../../base/fault.ts";

export type RefusalKind =
  | "quota-exceeded"
  | "busy"
  | "too-large"
  | "denied"
  | "invalid"
  | "constraint"
  | "timed-out"
  | "unavailable";

/** Why the database did not do what was asked; the adapter gives it to the guest as its WIT error. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly kind: RefusalKind;

  constructor(kind: RefusalKind, message = "") {
    super(message);
    this.kind = kind;
  }
}

const reasons: Record<string, string> = {
  ENOSPC: "The disk is full",
  EDQUOT: "The disk quota is used up",
  EROFS: "The file system is read-only",
  EACCES: "Permission is denied",
  EPERM: "Permission is denied",
};

/** What SQLite or the system threw, in our words; the host's paths are none of the guest's business. */
export const refusalOf = (error: unknown): unknown => {
  if (error instanceof Refusal) return error;
  if (!(error instanceof SQLiteError)) {
    // A bigint that is no 64-bit integer, or a text or blob beyond SQLite's own length.
    if (error instanceof RangeError) return new Refusal("invalid", error.message);
    const code = errno(error);
    return code === undefined
      ? error
      : new Refusal("unavailable", reasons[code] ?? `The system answered ${code}`);
  }
  const code = error.code ?? "";
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return new Refusal("busy");
  if (code.startsWith("SQLITE_CONSTRAINT")) return new Refusal("constraint", error.message);
  if (code === "SQLITE_FULL") return new Refusal("unavailable", "The disk is full");
  if (code === "SQLITE_TOOBIG" || code === "SQLITE_NOMEM") return new Refusal("too-large", error.message);
  if (/^SQLITE_(READONLY|CANTOPEN|IOERR|CORRUPT|NOTADB|PERM|AUTH|PROTOCOL)/.test(code))
    return new Refusal("unavailable", `The database cannot be used: ${error.message}`);
  return new Refusal("invalid", error.message);
};
