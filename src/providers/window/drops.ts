import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import { declared, errno } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { InstanceContext } from "../../host/provider.ts";
import type { Desk } from "./desk.ts";

/**
 * `loop:window/drops`. Letting a file go over a window is the person's grant of this one file, for reading, to this one
 * instance: the guest learns its name, reads it through the handle that is opened when it is taken, and has no
 * path. Folders and devices are no files.
 */
export const dropsOf = (desk: Desk, context: InstanceContext) => {
  const open = new Set<DroppedFile>();
  context.onDrop(() => {
    for (const file of open) file[Symbol.dispose]();
  });

  class DroppedFile {
    readonly #name: string;
    readonly #path: string;
    #handle: number | undefined;

    constructor(path: string) {
      this.#path = path;
      this.#name = basename(path);
      this.#handle = openedFile(path);
      open.add(this);
    }

    name(): string {
      return this.#name;
    }

    size(): bigint {
      return this.#handle === undefined ? 0n : BigInt(fstatSync(this.#handle).size);
    }

    read(offset: bigint, max: number): Uint8Array {
      if (this.#handle === undefined) throw declared({ tag: "gone" });
      const bytes = new Uint8Array(Math.min(max, limits.windowDropReadBytesMax));
      if (offset > BigInt(Number.MAX_SAFE_INTEGER)) return bytes.subarray(0, 0);
      const read = said(() => readSync(this.#handle!, bytes, 0, bytes.length, Number(offset)));
      context.audit?.({ capability: "drops", target: this.#path, action: "read", bytes: read });
      return bytes.subarray(0, read);
    }

    [Symbol.dispose](): void {
      if (this.#handle !== undefined) closeSync(this.#handle);
      this.#handle = undefined;
      open.delete(this);
    }
  }

  return {
    File: DroppedFile,
    take(drop: number): DroppedFile {
      const path = desk.takeDrop(drop);
      if (path === undefined) throw declared({ tag: "gone" });
      if (open.size >= limits.windowDropsMax)
        throw declared({ tag: "too-large", val: `${open.size} dropped files are open; that is the limit` });
      const file = new DroppedFile(path);
      context.audit?.({ capability: "drops", target: path, action: "open" });
      return file;
    },
  };
};

const openedFile = (path: string): number => {
  // A pipe that nobody writes to would wait for ever.
  const handle = said(() => openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)));
  if (fstatSync(handle).isFile()) return handle;
  closeSync(handle);
  throw declared({ tag: "other", val: `${basename(path)} is no file that can be read` });
};

/** The system's own words, without the path that the guest is not to know. */
const said = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    const code = errno(error);
    if (code) throw declared({ tag: "other", val: `The file cannot be read: ${code}` });
    throw error;
  }
};
