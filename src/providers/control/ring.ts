import { limits } from "../../base/limits.ts";
import { Splitter } from "../../host/lines.ts";

/** When something was written: its place among all that was said, and the time. */
export interface Moment {
  readonly order: number;
  readonly at: number;
}

interface Mark extends Moment {
  /** What was written until then, in bytes. */
  readonly from: number;
}

/**
 * The last bytes of a stream. To keep them is to copy them, since a program that writes much is not to wait for what
 * nobody may ever ask for: lines are made of them when somebody does.
 */
export class Ring {
  readonly #bytes = new Uint8Array(limits.controlStreamBytesMax);
  #end = 0;
  /** Where the next byte lies. */
  #at = 0;
  #marks: Mark[] = [];

  /** `moment` is given where what is written is not told together with what was written last. */
  write(bytes: Uint8Array, moment: Moment | undefined): void {
    if (moment) this.#mark(moment);
    this.#end += bytes.length;
    const after = this.#at + bytes.length;
    if (after >= this.#bytes.length) this.#wrap(bytes);
    else {
      this.#bytes.set(bytes, this.#at);
      this.#at = after;
    }
  }

  #wrap(bytes: Uint8Array): void {
    const size = this.#bytes.length;
    const last = bytes.subarray(-size);
    this.#at = this.#end % size;
    const head = last.length - this.#at;
    // What lies before the end of the array, and what begins it anew.
    if (head > 0) this.#bytes.set(last.subarray(0, head), size - head);
    this.#bytes.set(last.subarray(Math.max(0, head)), Math.max(0, this.#at - last.length));
  }

  #mark(moment: Moment): void {
    this.#marks.push({ ...moment, from: this.#end });
    if (this.#marks.length < 2 * limits.controlLinesMax) return;
    this.#marks = this.#marks.slice(-limits.controlLinesMax);
  }

  /** The last lines, each with the moment of its end; with `open`, the beginning of one that has no end yet. */
  lines(open: boolean): (Moment & { readonly line: string })[] {
    const splitter = new Splitter();
    const oldest = this.#end - this.#bytes.length;
    const found: (Moment & { readonly line: string })[] = [];
    for (const [i, { from, order, at }] of this.#marks.entries()) {
      const to = this.#marks[i + 1]?.from ?? this.#end;
      if (to <= oldest) continue;
      const piece = this.#between(Math.max(from, oldest), to);
      for (const line of splitter.push(piece)) found.push({ order, at, line });
      if (open && to === this.#end) for (const line of splitter.settle()) found.push({ order, at, line });
    }
    // What the oldest is the end of is not there any more.
    if (this.#cut(oldest)) found.shift();
    return found.slice(-limits.controlLinesMax);
  }

  /** What was written since the last end of a line. */
  openBytes(): Uint8Array {
    const held = this.#between(Math.max(0, this.#end - this.#bytes.length), this.#end);
    return held.subarray(held.lastIndexOf(10) + 1).slice(-limits.logTextMax);
  }

  #cut(oldest: number): boolean {
    const first = Math.max(oldest, this.#marks[0]?.from ?? 0);
    return first > 0 && !(first > oldest && this.#bytes[(first - 1) % this.#bytes.length] === 10);
  }

  #between(from: number, to: number): Uint8Array {
    const size = this.#bytes.length;
    const start = from % size;
    if (start + to - from <= size) return this.#bytes.subarray(start, start + to - from);
    return Buffer.concat([this.#bytes.subarray(start), this.#bytes.subarray(0, (to - from + start) % size)]);
  }
}
