import { declared } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";
import { camel } from "../../../contract/model.ts";
import type { WireAdapterInfo } from "../device.ts";
import type { WireError } from "../error.ts";
import { type FlagKind, flagNames, type WireLimits, wireLimits } from "../names.ts";
import type { WireMessage } from "../pipeline.ts";
import type { WireLost } from "../session.ts";

// What the public interface has as resources and is only data: infos, limits, errors, maps, and constants.

export class GpuSupportedFeatures {
  readonly #all: ReadonlySet<string>;
  constructor(all: ReadonlySet<string>) {
    this.#all = all;
  }
  has(name: string): boolean {
    return this.#all.has(name);
  }
}

export class WgslLanguageFeatures extends GpuSupportedFeatures {}

/** One method for each limit, on the prototype: `maxBufferSize()`. */
export class GpuSupportedLimits {
  readonly limits: WireLimits;
  readonly native: Readonly<Record<string, number | undefined>>;
  constructor(limits: GPUSupportedLimits) {
    this.limits = wireLimits(limits);
    this.native = limits as unknown as Readonly<Record<string, number | undefined>>;
  }
}

/** Of later versions; 0 where the library does not say. */
const laterLimits = [
  "maxImmediateSize",
  "maxStorageBuffersInFragmentStage",
  "maxStorageBuffersInVertexStage",
  "maxStorageTexturesInFragmentStage",
  "maxStorageTexturesInVertexStage",
];
for (const name of laterLimits)
  Object.defineProperty(GpuSupportedLimits.prototype, name, {
    value(this: GpuSupportedLimits) {
      return this.native[name] ?? 0;
    },
  });

/** WIT spells "max-texture-dimension1-d" here, which is `maxTextureDimension1D` in JavaScript. */
export const limitMethods = (names: readonly string[]): void => {
  for (const name of names)
    Object.defineProperty(GpuSupportedLimits.prototype, name.replace(/(\d)d$/, "$1D"), {
      value(this: GpuSupportedLimits) {
        return this.limits[name as keyof WireLimits];
      },
    });
};

export class GpuAdapterInfo {
  readonly #info: WireAdapterInfo;
  constructor(info: WireAdapterInfo) {
    this.#info = info;
  }
  vendor(): string {
    return this.#info.vendor;
  }
  architecture(): string {
    return this.#info.architecture;
  }
  device(): string {
    return this.#info.device;
  }
  description(): string {
    return this.#info.description;
  }
  /** What WebGPU says where the adapter does not tell. */
  subgroupMinSize(): number {
    return 4;
  }
  subgroupMaxSize(): number {
    return 128;
  }
}

export class GpuError {
  readonly #error: WireError;
  constructor(error: WireError) {
    this.#error = error;
  }
  message(): string {
    return this.#error.message;
  }
  kind(): { readonly tag: string } {
    return { tag: `${this.#error.kind}-error` };
  }
}

export class GpuUncapturedErrorEvent {
  readonly #error: WireError;
  constructor(error: WireError) {
    this.#error = error;
  }
  error(): GpuError {
    return new GpuError(this.#error);
  }
}

export class GpuDeviceLostInfo {
  readonly #lost: WireLost;
  constructor(lost: WireLost) {
    this.#lost = lost;
  }
  reason(): string {
    return this.#lost.reason;
  }
  message(): string {
    return this.#lost.message;
  }
}

export class GpuCompilationMessage {
  readonly #message: WireMessage;
  constructor(message: WireMessage) {
    this.#message = message;
  }
  message(): string {
    return this.#message.message;
  }
  type(): string {
    return this.#message.type;
  }
  lineNum(): bigint {
    return BigInt(this.#message.lineNum);
  }
  linePos(): bigint {
    return BigInt(this.#message.linePos);
  }
  offset(): bigint {
    return BigInt(this.#message.offset);
  }
  length(): bigint {
    return BigInt(this.#message.length);
  }
}

export class GpuCompilationInfo {
  readonly #messages: readonly WireMessage[];
  constructor(messages: readonly WireMessage[]) {
    this.#messages = messages;
  }
  messages(): GpuCompilationMessage[] {
    return this.#messages.map((message) => new GpuCompilationMessage(message));
  }
}

/** A map that the interface has as a resource. */
class Entries<T> {
  readonly #all = new Map<string, T>();
  add(key: string, value: T): void {
    // The guest chooses how many; there are not so many constants in any shader.
    if (this.#all.size >= limits.gpuErrorsMax * 16) throw declared({ tag: "range-error" });
    this.#all.set(key, value);
  }
  has(key: string): boolean {
    return this.#all.has(key);
  }
  remove(key: string): void {
    this.#all.delete(key);
  }
  keys(): string[] {
    return [...this.#all.keys()];
  }
  values(): T[] {
    return [...this.#all.values()];
  }
  entries(): [string, T][] {
    return [...this.#all];
  }
}

export class RecordGpuPipelineConstantValue extends Entries<number> {
  get(key: string): number | undefined {
    return this.has(key) ? new Map(this.entries()).get(key) : undefined;
  }
}

export class RecordOptionGpuSize64 extends Entries<bigint | undefined> {
  /** An option of an option, in the JS mapping. */
  get(key: string): { readonly tag: string; readonly val?: bigint | undefined } {
    return this.has(key) ? { tag: "some", val: new Map(this.entries()).get(key) } : { tag: "none" };
  }
}

/** Names of constants as the interface spells them: "COPY-SRC" of "copySrc". */
const constantName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter}`).toUpperCase();

/** A resource whose static functions are the bits of flags. */
const constants = (kind: FlagKind, more: Readonly<Record<string, number>> = {}) => {
  const made = class {};
  const all = [...flagNames[kind].map((name, bit) => [name, 1 << bit] as const), ...Object.entries(more)];
  for (const [name, value] of all)
    Object.defineProperty(made, camel(constantName(name)), { value: () => value });
  return made;
};

export const GpuBufferUsage = constants("bufferUsage");
export const GpuTextureUsage = constants("textureUsage");
export const GpuShaderStage = constants("shaderStage");
export const GpuColorWrite = constants("colorWrite", { all: 15 });
export const GpuMapMode = constants("mapMode");
