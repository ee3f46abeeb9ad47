import { fault } from "../../base/fault.ts";
import type { GpuBindGroup } from "./binding.ts";
import type { GpuBuffer } from "./buffer.ts";
import type { GpuRenderPipeline } from "./pipeline.ts";

// `encode`: many commands of a pass in one call, as words. For guests to whom a call is dear: QuickJS needs a
// microsecond for each.

export interface WireResources {
  readonly pipelines: readonly GpuRenderPipeline[];
  readonly bindGroups: readonly GpuBindGroup[];
  readonly buffers: readonly GpuBuffer[];
}

/** Words that follow each command; of `set-bind-group` the offsets come on top. */
const lengths = [1, 3, 4, 4, 4, 5, 2, 2, 1, 2] as const;
const names = [
  "set-pipeline",
  "set-bind-group",
  "set-vertex-buffer",
  "set-index-buffer",
  "draw",
  "draw-indexed",
  "draw-indirect",
  "draw-indexed-indirect",
  // The two of which there are most, in fewer words: the words are what a guest pays for.
  "draw",
  "set-bind-group",
] as const;

const rest = 0xffff_ffff;

/** LK0743, with the word's place, for what is no command, is cut off, or names what is not in `resources`. */
export const encodeWords = (
  native: GPURenderPassEncoder | GPURenderBundleEncoder,
  { pipelines, bindGroups, buffers }: WireResources,
  words: Uint32Array,
  commands: { count(): void },
): void => {
  let at = 0;
  const found = <T>(what: string, all: readonly T[], index: number): T => {
    const one = all[index];
    if (one === undefined)
      throw fault("LK0743", `In encode, the command at word ${at} names ${what} ${index} of ${all.length}`);
    return one;
  };
  const size = (word: number) => (word === rest ? undefined : word);
  while (at < words.length) {
    const command = words[at]!;
    const length = lengths[command];
    if (length === undefined)
      throw fault(
        "LK0743",
        `In encode, word ${at} is ${command}, and commands are 0 to ${lengths.length - 1}`,
      );
    const end = at + 1 + length + (command === 1 ? (words[at + 3] ?? 0) : 0);
    if (end > words.length)
      throw fault(
        "LK0743",
        `In encode, ${names[command]} at word ${at} needs ${end - at} words, and ${words.length - at} are there`,
      );
    commands.count();
    const a = words[at + 1]!;
    const b = words[at + 2]!;
    const c = words[at + 3]!;
    const d = words[at + 4]!;
    const e = words[at + 5]!;
    switch (command) {
      case 0:
        native.setPipeline(found("pipeline", pipelines, a).native);
        break;
      case 1: {
        const group = found("bind group", bindGroups, b).native;
        if (c === 0) native.setBindGroup(a, group);
        else native.setBindGroup(a, group, Array.from(words.subarray(at + 4, end)));
        break;
      }
      case 2:
        native.setVertexBuffer(a, found("buffer", buffers, b).native, c, size(d));
        break;
      case 3:
        native.setIndexBuffer(found("buffer", buffers, a).native, b === 0 ? "uint16" : "uint32", c, size(d));
        break;
      case 4:
        native.draw(a, b, c, d);
        break;
      case 5:
        native.drawIndexed(a, b, c, d | 0, e);
        break;
      case 6:
        native.drawIndirect(found("buffer", buffers, a).native, b);
        break;
      case 7:
        native.drawIndexedIndirect(found("buffer", buffers, a).native, b);
        break;
      case 8:
        native.draw(a);
        break;
      case 9:
        native.setBindGroup(a, found("bind group", bindGroups, b).native);
        break;
    }
    at = end;
  }
};
