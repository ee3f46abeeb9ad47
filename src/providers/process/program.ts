import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, isAbsolute, join, relative, sep } from "node:path";
import type { FolderGrant } from "../../trust/grants.ts";
import { Refusal } from "./refusal.ts";

/** A program found once, so that nothing planted on PATH later is started in its place. */
export interface Program {
  /** Where it really lies, symbolic links resolved: what is started. */
  readonly file: string;
  /** As it was found: what it sees as its own name. Programs with many names go by it. */
  readonly name: string;
}

const any = "*";

/** The programs that one instance may start; looked up when first asked for, and never again. */
export class Programs {
  readonly #runs: string[];
  readonly #searchPath: string;
  readonly #folders: readonly FolderGrant[];
  readonly #found = new Map<string, Program>();

  /** `searchPath` is the host's PATH. */
  constructor(runs: readonly string[], searchPath: string, folders: readonly FolderGrant[]) {
    this.#runs = [...runs];
    this.#searchPath = searchPath;
    this.#folders = folders;
  }

  /** Whether any program may be started, so that nothing is gained by guarding how one is loaded. */
  get any(): boolean {
    return this.#runs.includes(any);
  }

  granted(name: string): boolean {
    return this.any || this.#runs.includes(name);
  }

  /** From now on this program may be started. */
  grant(name: string): void {
    this.#runs.push(name);
  }

  /** A program by the name that it was granted under. Refusals: denied, not-found, invalid. */
  get(name: string): Program {
    if (name === "" || name.includes("\0"))
      throw new Refusal("invalid", "A program's name is empty or has a NUL");
    if (!this.granted(name))
      throw new Refusal("denied", `The program ${name} was not granted; --allow-run=${name} grants it`);
    const known = this.#found.get(name);
    if (known) return known;
    const program = isAbsolute(name) ? at(name) : this.#search(name);
    if (!program)
      throw new Refusal("not-found", `No program ${name} ${isAbsolute(name) ? "" : "on PATH"}`.trim());
    this.#refuseOwn(name, program);
    this.#found.set(name, program);
    return program;
  }

  #search(name: string): Program | undefined {
    if (name.includes("/") || name.includes(sep))
      throw new Refusal(
        "invalid",
        `A program is named by its bare name or its absolute path, and ${name} is neither`,
      );
    for (const folder of this.#searchPath.split(delimiter)) {
      // An empty or relative entry means the current folder, where a guest may have put anything.
      if (!isAbsolute(folder)) continue;
      for (const ending of endings) {
        const program = at(join(folder, name + ending));
        if (program) return program;
      }
    }
    return undefined;
  }

  /** A program that the component can overwrite would be a grant of any program. */
  #refuseOwn(name: string, program: Program): void {
    if (this.any) return;
    for (const { host, readOnly } of this.#folders)
      if (!readOnly && (within(host, program.file) || within(host, program.name)))
        throw new Refusal(
          "denied",
          `The program ${name} lies in a folder that the component may write; grant that folder read-only`,
        );
  }
}

const endings = process.platform === "win32" ? [".exe", ".com", ""] : [""];

const at = (path: string): Program | undefined => {
  try {
    if (!statSync(path).isFile()) return undefined;
    accessSync(path, constants.X_OK);
    const file = realpathSync(path);
    // Windows runs these through its shell, whatever we say about arguments.
    return /\.(bat|cmd)$/i.test(file) ? undefined : { file, name: path };
  } catch {
    return undefined;
  }
};

/** Whether `path` is `folder` or below it; both absolute. */
export const within = (folder: string, path: string): boolean => {
  const rest = relative(folder, path);
  return rest === "" || (!isAbsolute(rest) && rest !== ".." && !rest.startsWith(`..${sep}`));
};
