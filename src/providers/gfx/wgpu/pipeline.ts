import type { Pointer } from "bun:ffi";
import { read } from "bun:ffi";
import { compilationInfo, compilationMessage } from "./answers.ts";
import { type Library, type Made, Native } from "./native.ts";
import { readText } from "./waits.ts";

/** WGPUCompilationMessageType, from 1. */
const messageTypes = ["error", "error", "warning", "info"] as const;

/** The C interface counts bytes of UTF-8, as the text was handed over; WebGPU counts JavaScript's characters. */
const unitsBefore = (code: string) => {
  const bytes = Buffer.from(code);
  return (from: number, to: number): number => bytes.toString("utf8", from, to).length;
};

export class ShaderModule extends Native {
  readonly #library: Library;
  readonly #code: string;

  constructor(library: Library, pointer: Made, { code, label }: GPUShaderModuleDescriptor) {
    super(pointer, library.wgpu.zwgpuShaderModuleRelease, label);
    this.#library = library;
    this.#code = code;
  }

  getCompilationInfo(): Promise<{ readonly messages: readonly object[] }> {
    const { wgpu, waits } = this.#library;
    return waits.ask(
      waits.onCompiled,
      (info) => wgpu.zwgpuShaderModuleGetCompilationInfo(this.pointer, info),
      ({ pointer }) => ({ messages: pointer ? this.#messages(pointer) : [] }),
    );
  }

  #messages(info: Pointer): object[] {
    const count = Number(read.u64(info, compilationInfo.offset("messageCount")));
    const first = read.ptr(info, compilationInfo.offset("messages"));
    const units = unitsBefore(this.#code);
    return Array.from({ length: count }, (_, index) => {
      const message = (first + index * compilationMessage.bytes) as Pointer;
      const at = (name: string) => compilationMessage.offset(name);
      const number = (name: string) => Number(read.u64(message, at(name)));
      const text = at("message");
      const [offset, linePos, length] = [number("offset"), number("linePos"), number("length")];
      return {
        type: messageTypes[read.u32(message, at("type"))] ?? "info",
        message: readText(read.ptr(message, text) as Pointer, read.u64(message, text + 8)),
        lineNum: number("lineNum"),
        linePos: linePos === 0 ? 0 : units(offset - (linePos - 1), offset) + 1,
        offset: units(0, offset),
        length: units(offset, offset + length),
      };
    });
  }
}

/** A pipeline of either kind. */
export class Pipeline extends Native {
  readonly #library: Library;
  readonly #kind: "Render" | "Compute";

  constructor(library: Library, kind: "Render" | "Compute", pointer: Made, label?: string) {
    super(pointer, library.wgpu[`zwgpu${kind}PipelineRelease`], label);
    this.#library = library;
    this.#kind = kind;
  }

  getBindGroupLayout(index: number): Native {
    const { wgpu } = this.#library;
    return new Native(
      wgpu[`zwgpu${this.#kind}PipelineGetBindGroupLayout`](this.pointer, index),
      wgpu.zwgpuBindGroupLayoutRelease,
      "",
    );
  }
}
