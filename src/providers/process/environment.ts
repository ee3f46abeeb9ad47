import { Refusal } from "./refusal.ts";

/** What programs cannot do without and what tells little: no secret has these names. */
const basic = [
  ["HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "TERM", "TMPDIR", "TZ", "USER"],
  ["APPDATA", "LOCALAPPDATA", "PATHEXT", "SystemRoot", "TEMP", "TMP", "USERNAME", "USERPROFILE", "windir"],
].flat();

/**
 * Variables that choose what code any program loads: a granted program that is harmless would run the guest's
 * code. What a certain program reads from its own variables comes with granting that program.
 */
const choosesCode = (name: string): boolean =>
  /^(LD_|DYLD_)/i.test(name) ||
  ["PATH", "PATHEXT", "GCONV_PATH", "GLIBC_TUNABLES"].includes(name.toUpperCase());

/**
 * The environment of a child: the host's basic variables, then the guest's own. `any` says that the guest may
 * start any program, so there is nothing to guard. Refusals: denied, invalid.
 */
export const childEnvironment = (
  host: Readonly<Record<string, string | undefined>>,
  given: ReadonlyArray<readonly [string, string]>,
  { any }: { readonly any: boolean },
): Record<string, string> => {
  const made = new Map<string, string>();
  for (const name of basic) if (host[name] !== undefined) made.set(name, host[name]);
  for (const [name, value] of given) {
    if (name === "" || name.includes("=")) throw new Refusal("invalid", `"${name}" is no name of a variable`);
    if (!any && choosesCode(name))
      throw new Refusal(
        "denied",
        `The variable ${name} chooses what code a program loads; --allow-run=* permits it`,
      );
    made.set(name, value);
  }
  return Object.fromEntries(made);
};
