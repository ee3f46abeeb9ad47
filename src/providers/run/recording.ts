import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Digest } from "../../base/digest.ts";
import { Fault, fault } from "../../base/fault.ts";
import { writeFileAtomic } from "../../base/files.ts";
import { limits } from "../../base/limits.ts";
import { shellWord } from "../../base/word.ts";
import type { Chance } from "../../host/chance.ts";
import type { RunOptions } from "./session.ts";

// What clocks and randomness said during a run, one answer a line after a line of JSON about the run:
// "monotonic 12345", "wall 1700000000000", "random 8 Zm9vYmFyYmE=".

export interface Recorded extends Chance {
  /** The run is over, well or not. */
  finish(well: boolean): void;
}

const format = "loop-recording";
const version = 1;

/** The recording or the replay that was asked for. Faults: LK0004 both, LK0006, LK0007, LK0204, LK0721, LK0722. */
export const recorded = (
  digest: Digest,
  { recordTo, replayFrom }: Pick<RunOptions, "recordTo" | "replayFrom">,
  folder: string,
): Recorded | undefined => {
  if (recordTo !== undefined && replayFrom !== undefined)
    throw fault("LK0004", "A run is recorded or replayed, and both --record and --replay were written");
  if (recordTo !== undefined) return new Recording(resolve(folder, recordTo), digest);
  if (replayFrom !== undefined) return new Replay(resolve(folder, replayFrom), digest);
  return undefined;
};

class Recording implements Recorded {
  readonly #path: string;
  readonly #lines: string[];
  #bytes = 0;

  constructor(path: string, digest: Digest) {
    this.#path = path;
    this.#lines = [JSON.stringify({ format, version, component: digest })];
  }

  clock(which: "monotonic" | "wall", now: () => bigint): bigint {
    const told = now();
    this.#keep(`${which} ${told}`);
    return told;
  }

  random(length: number, make: () => Uint8Array): Uint8Array {
    const bytes = make();
    this.#keep(`random ${length} ${Buffer.from(bytes).toString("base64")}`);
    return bytes;
  }

  finish(): void {
    writeFileAtomic(this.#path, `${this.#lines.join("\n")}\n`);
  }

  #keep(line: string): void {
    this.#bytes += line.length + 1;
    if (this.#bytes > limits.recordingBytesMax)
      throw fault(
        "LK0204",
        `The recording of clocks and randomness is larger than ${limits.recordingBytesMax} bytes`,
      );
    this.#lines.push(line);
  }
}

class Replay implements Recorded {
  readonly #path: string;
  readonly #lines: readonly string[];
  #at = 0;

  constructor(path: string, digest: Digest) {
    this.#path = path;
    const [head, ...lines] = textOf(path).split("\n");
    const { component } = headOf(path, head ?? "");
    if (component !== digest)
      throw fault("LK0722", `${path} was recorded of ${component}, and this component is ${digest}`, {
        hint: "record the run of this component with --record",
      });
    this.#lines = lines.at(-1) === "" ? lines.slice(0, -1) : lines;
  }

  clock(which: "monotonic" | "wall"): bigint {
    return BigInt(this.#next(which, /^\d+$/));
  }

  random(length: number): Uint8Array {
    const [count, text = ""] = this.#next("random", /^\d+ [A-Za-z0-9+/=]*$/).split(" ");
    if (Number(count) !== length)
      throw this.#differs(`${length} random bytes are asked for, and there ${count} were`);
    const bytes = Uint8Array.from(Buffer.from(text, "base64"));
    if (bytes.length !== length) throw this.#broken();
    return bytes;
  }

  finish(well: boolean): void {
    const left = this.#lines.length - this.#at;
    if (well && left > 0)
      throw this.#differs(`the run is over, and ${left} more answers are recorded`, this.#at + 2);
  }

  #next(kind: string, shape: RegExp): string {
    const line = this.#lines[this.#at];
    if (line === undefined)
      throw this.#differs(`${kind} is asked for, and the recording is at its end`, this.#at + 2);
    this.#at += 1;
    const space = line.indexOf(" ");
    const [was, value] = [line.slice(0, space), line.slice(space + 1)];
    if (!["monotonic", "wall", "random"].includes(was)) throw this.#broken();
    if (was !== kind) throw this.#differs(`${kind} is asked for, and there ${was} was`);
    if (!shape.test(value)) throw this.#broken();
    return value;
  }

  #differs(how: string, line = this.#at + 1): Fault {
    return fault("LK0722", `The run is another than the one in ${this.#path}, line ${line}: ${how}`, {
      hint: "give it the same arguments, input and files; what comes from outside is not recorded",
    });
  }

  #broken(): Fault {
    return notARecording(this.#path, `line ${this.#at + 1} is no answer of a clock or of randomness`);
  }
}

const textOf = (path: string): string => {
  try {
    if (statSync(path).size <= limits.recordingBytesMax + 1024) return readFileSync(path, "utf8");
  } catch (error) {
    throw fault("LK0007", `Cannot read the recording ${path}`, { cause: error });
  }
  throw fault(
    "LK0204",
    `${path} is larger than the ${limits.recordingBytesMax} bytes that a recording may have`,
  );
};

const headOf = (path: string, line: string): { readonly component: string } => {
  try {
    const head = JSON.parse(line);
    if (head?.format === format && head.version === version && typeof head.component === "string")
      return head;
  } catch (error) {
    if (error instanceof Fault) throw error;
  }
  throw notARecording(path, `it does not begin with a line {"format":"${format}","version":${version},…}`);
};

const notARecording = (path: string, why: string): Fault =>
  fault("LK0721", `${path} is no recording of a run: ${why}`, {
    hint: `loop run FILE --record=${shellWord(path)}`,
  });
