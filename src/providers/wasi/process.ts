import {
  closeSync,
  constants,
  openSync,
  read as readLater,
  readSync,
  write as writeLater,
  writeSync,
} from "node:fs";
import { errno } from "../../base/fault.ts";
import { isTerminal, statsOf } from "../../base/terminal.ts";
import { ClosedPipe, type OutputSink, type Stdio } from "../../host/provider.ts";
import { again } from "./state/again.ts";

// The process's own standard streams for a guest. A pipe is opened once more through /proc, without blocking:
// the flag then is ours alone, where setting it on the pipe itself would reach every process that shares it.
// What cannot be done at once is done by a thread of the engine on the blocking original, so the process goes
// on with other guests meanwhile. A thread that waits for input keeps an event loop alive: the program ends by
// an explicit exit, as main does, and input that nobody took stays for the next reader.

export interface ProcessStdio extends Stdio {
  /** Closes what was opened beside the given descriptors; those stay open. */
  close(): void;
}

/** Streams over file descriptors, by default the process's. Nothing is touched before the first use. */
export const processStdio = (fds = { stdin: 0, stdout: 1, stderr: 2 }): ProcessStdio => {
  const stdout = new DescriptorSink(fds.stdout);
  const stderr = new DescriptorSink(fds.stderr);
  const stdin = new DescriptorSource(fds.stdin);
  return {
    stdin,
    stdout,
    stderr,
    close() {
      for (const stream of [stdin, stdout, stderr]) stream.close();
    },
  };
};

/** A descriptor and, where it is a pipe, a second one on the same pipe that never blocks. */
class Doubled {
  readonly fd: number;
  readonly #mode: number;
  #probed = false;
  #prompt: number | undefined;
  #file = false;

  constructor(fd: number, mode: number) {
    this.fd = fd;
    this.#mode = mode;
  }

  /** The descriptor that never blocks, or undefined where there is none. */
  get prompt(): number | undefined {
    this.#probe();
    return this.#prompt;
  }

  /** A regular file: it never makes anyone wait. */
  get isFile(): boolean {
    this.#probe();
    return this.#file;
  }

  get isTerminal(): boolean {
    return isTerminal(this.fd);
  }

  close(): void {
    if (this.#prompt !== undefined) closeSync(this.#prompt);
    this.#prompt = undefined;
  }

  #probe(): void {
    if (this.#probed) return;
    this.#probed = true;
    const stats = statsOf(this.fd);
    this.#file = stats?.isFile() ?? false;
    if (!stats?.isFIFO() || process.platform !== "linux") return;
    try {
      this.#prompt = openSync(`/proc/self/fd/${this.fd}`, this.#mode | constants.O_NONBLOCK);
    } catch {
      // Another user's pipe, or no /proc: threads alone serve then.
    }
  }
}

class DescriptorSource implements Pick<Stdio["stdin"], "read" | "isTerminal"> {
  readonly #double: Doubled;

  constructor(fd: number) {
    this.#double = new Doubled(fd, constants.O_RDONLY);
  }

  get isTerminal(): boolean {
    return this.#double.isTerminal;
  }

  read(max: number): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const buffer = new Uint8Array(max);
    if (max === 0) return buffer;
    const { fd, prompt, isFile } = this.#double;
    const now = isFile ? fd : prompt;
    if (now === undefined) return readWaiting(fd, buffer);
    try {
      return taken(buffer, readSync(now, buffer));
    } catch (error) {
      if (errno(error) !== "EAGAIN") throw error;
      return readWaiting(fd, buffer);
    }
  }

  close(): void {
    this.#double.close();
  }
}

const taken = (buffer: Uint8Array, count: number): Uint8Array | undefined =>
  count === 0 ? undefined : buffer.subarray(0, count);

const readWaiting = async (fd: number, buffer: Uint8Array): Promise<Uint8Array | undefined> => {
  const count = await again(
    () =>
      new Promise<number>((resolve, reject) =>
        readLater(fd, buffer, 0, buffer.length, null, (error, count) =>
          error ? reject(error) : resolve(count),
        ),
      ),
  );
  return taken(buffer, count);
};

class DescriptorSink implements OutputSink {
  readonly #double: Doubled;
  #pending: Promise<void> | undefined;

  constructor(fd: number) {
    this.#double = new Doubled(fd, constants.O_WRONLY);
  }

  get isTerminal(): boolean {
    return this.#double.isTerminal;
  }

  write(bytes: Uint8Array): void | Promise<void> {
    // Two instances may share this sink; who comes while another's bytes wait comes after them.
    if (this.#pending) {
      const kept = bytes.slice();
      return this.#later(this.#pending.catch(() => {}).then(() => this.#write(kept)));
    }
    const rest = this.#write(bytes);
    return rest && this.#later(rest);
  }

  /** Nothing is kept here: what was written is with the system. */
  flush(): void | Promise<void> {
    return this.#pending;
  }

  close(): void {
    this.#double.close();
  }

  #later(rest: Promise<void>): Promise<void> {
    const pending = rest.finally(() => {
      if (this.#pending === pending) this.#pending = undefined;
    });
    this.#pending = pending;
    return pending;
  }

  #write(bytes: Uint8Array): void | Promise<void> {
    const fd = this.#double.prompt ?? this.#double.fd;
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(fd, bytes, at);
      } catch (error) {
        if (errno(error) !== "EAGAIN") throw refused(error);
        return this.#writeWaiting(bytes.slice(at));
      }
    }
  }

  async #writeWaiting(bytes: Uint8Array): Promise<void> {
    const { fd } = this.#double;
    for (let at = 0; at < bytes.length; ) {
      try {
        at += await again(
          () =>
            new Promise<number>((resolve, reject) =>
              writeLater(fd, bytes, at, bytes.length - at, null, (error, count) =>
                error ? reject(error) : resolve(count),
              ),
            ),
        );
      } catch (error) {
        throw refused(error);
      }
    }
  }
}

const refused = (error: unknown): unknown =>
  errno(error) === "EPIPE" ? new ClosedPipe("Nobody reads the stream any more", { cause: error }) : error;
