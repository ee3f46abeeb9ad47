// What a person writes to name a component, taken apart. Owns the spelling of identifiers; refuses to touch
// disk or network; called by `resolve` and by whoever must tell a path from a scheme.
import { fault } from "../base/fault.ts";

export interface Identifier {
  /** As written. */
  readonly text: string;
  /** "file", "builtin", "sidecar", "https", "oci", or "package" for `ns:name@version`. */
  readonly scheme: string;
  /** What follows the scheme; for a path the path itself. */
  readonly rest: string;
}

const schemes = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/s;
const packageName = /^([a-z][a-z0-9-]*):([a-z][a-z0-9-]*)(?:@(.+))?$/;

/** Takes an identifier apart. Whatever is no URL, `builtin:`, `sidecar:` or package name is a path. Faults: LK0102. */
export const parseIdentifier = (text: string): Identifier => {
  if (text === "") throw fault("LK0102", "An identifier was looked for, and the text is empty");
  if (text.includes("\0")) throw fault("LK0102", "An identifier was looked for, and the text has a NUL byte");
  const url = schemes.exec(text);
  if (url) return { text, scheme: url[1]!, rest: url[2]! };
  for (const scheme of ["builtin", "sidecar"])
    if (text.startsWith(`${scheme}:`)) return { text, scheme, rest: text.slice(scheme.length + 1) };
  // A package name never holds a slash or a dot before its version, so `a:b` as a file is written `./a:b`.
  if (packageName.test(text)) return { text, scheme: "package", rest: text };
  return { text, scheme: "file", rest: text };
};
