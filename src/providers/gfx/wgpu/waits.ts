import { FFIType, JSCallback, type Pointer, toArrayBuffer } from "bun:ffi";
import type { Wgpu } from "./functions.ts";
import { callbackInfo } from "./layout.ts";
import { during, lay } from "./memory.ts";

// What Dawn answers later, and what it says by itself. It calls back only while it is asked for what has happened
// (wgpuInstanceProcessEvents), or while a call that is wrong runs, so always on this thread. The callbacks are made once
// and never closed: what they are for is a number that Dawn hands back.

const { ptr, u32, u64 } = FFIType;

/** What comes with an answer. Of the numbers 1 is that it went well. */
export interface Answer {
  readonly status: number;
  readonly message: string;
  /** What was made, or the structure to read. */
  readonly pointer: Pointer;
  readonly type: number;
}

export type Listener = (kind: "error" | "lost", code: number, message: string) => void;

const decoder = new TextDecoder();

/** A WGPUStringView that C wrote. */
export const readText = (data: Pointer | null, length: number | bigint): string => {
  const bytes = Number(length);
  if (!data || bytes === 0) return "";
  // A text that ends with a zero has no length.
  if (length === 0xffff_ffff_ffff_ffffn || bytes > 0x7fff_ffff) return "";
  return decoder.decode(new Uint8Array(toArrayBuffer(data, 0, bytes)));
};

/** How long what is awaited is asked for without a pause, which is a picture's time; then each millisecond. */
const eagerMs = 4;

export class Waits {
  readonly #wgpu: Wgpu;
  readonly #instance: Pointer;
  readonly #answers = new Map<number, (answer: Answer) => void>();
  readonly #listeners = new Map<number, Listener>();
  readonly #callbacks: JSCallback[] = [];
  #last = 0;
  #asking = false;
  #sinceMs = 0;

  /** Something was made: adapter, device, pipeline. */
  readonly onMade: Pointer;
  /** Something is done, or has failed: mapping, and what was submitted. */
  readonly onTold: Pointer;
  readonly onPopped: Pointer;
  readonly onCompiled: Pointer;
  readonly onError: Pointer;
  readonly onLost: Pointer;

  constructor(wgpu: Wgpu, instance: Pointer) {
    this.#wgpu = wgpu;
    this.#instance = instance;
    const nobody = 0 as Pointer;
    this.onMade = this.#callback([u32, ptr, ptr, u64, ptr, ptr], (status, pointer, text, length, id) =>
      this.#answer(id, { status, message: readText(text, length), pointer, type: 0 }),
    );
    this.onTold = this.#callback([u32, ptr, u64, ptr, ptr], (status, text, length, id) =>
      this.#answer(id, { status, message: readText(text, length), pointer: nobody, type: 0 }),
    );
    this.onPopped = this.#callback([u32, u32, ptr, u64, ptr, ptr], (status, type, text, length, id) =>
      this.#answer(id, { status, message: readText(text, length), pointer: nobody, type }),
    );
    this.onCompiled = this.#callback([u32, ptr, ptr, ptr], (status, pointer, id) =>
      this.#answer(id, { status, message: "", pointer, type: 0 }),
    );
    const hears = (kind: "error" | "lost") =>
      this.#callback([ptr, u32, ptr, u64, ptr, ptr], (_device, code, text, length, id) =>
        this.#listeners.get(id)?.(kind, code, readText(text, length)),
      );
    this.onError = hears("error");
    this.onLost = hears("lost");
  }

  /** A number under which a device says what goes wrong. */
  listen(listener: Listener): { readonly id: number; readonly stop: () => void } {
    const id = ++this.#last;
    this.#listeners.set(id, listener);
    return { id, stop: () => void this.#listeners.delete(id) };
  }

  /** Asks for something that Dawn answers later. `read` sees the answer while its memory is there. */
  ask<T>(callback: Pointer, start: (info: Pointer) => unknown, read: (answer: Answer) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const id = ++this.#last;
      this.#answers.set(id, (answer) => {
        try {
          resolve(read(answer));
        } catch (error) {
          reject(error);
        }
      });
      try {
        during(() => start(lay(callbackInfo, { callback, id })));
      } catch (error) {
        this.#answers.delete(id);
        reject(error);
        return;
      }
      this.#sinceMs = performance.now();
      this.#askOn();
    });
  }

  /** Lets Dawn say what has happened. */
  process(): void {
    this.#wgpu.zwgpuInstanceProcessEvents(this.#instance);
  }

  #askOn(): void {
    if (this.#asking || this.#answers.size === 0) return;
    this.#asking = true;
    const ask = () => {
      this.#asking = false;
      this.process();
      this.#askOn();
    };
    if (performance.now() - this.#sinceMs < eagerMs) setImmediate(ask);
    else setTimeout(ask, 1);
  }

  #answer(id: number, answer: Answer): void {
    const heard = this.#answers.get(id);
    this.#answers.delete(id);
    heard?.(answer);
  }

  // biome-ignore lint/suspicious/noExplicitAny: what C hands over has the types that are listed.
  #callback(args: readonly FFIType[], work: (...args: any[]) => void): Pointer {
    const made = new JSCallback(work, { args: [...args], returns: FFIType.void });
    this.#callbacks.push(made);
    if (made.ptr === null) throw new Error("Bun made no callback");
    return made.ptr;
  }
}
