import type { Pointer } from "bun:ffi";
import type { NativeWindow } from "../../surface.ts";
import { Buffer } from "./buffer.ts";
import { CommandEncoder, RenderBundleEncoder } from "./encoder.ts";
import { errorFilters, features } from "./enums.ts";
import * as layout from "./layout.ts";
import { during, type Kind, lay, numberOf, take } from "./memory.ts";
import { errorOf, GPUPipelineError, type Library, type Made, Native } from "./native.ts";
import { Pipeline, ShaderModule } from "./pipeline.ts";
import { Queue } from "./queue.ts";
import { WindowSurface } from "./surface.ts";
import { QuerySet, Texture, TextureView } from "./texture.ts";

// GPUDevice as loop's other half calls it: the part of WebGPU that session, canvas and the resources of loop:gfx use,
// with the behaviour that webgpu's own binding has.

/** WGPUDeviceLostReason. */
const destroyed = 2;
/** Statuses of a pipeline's making: 1 is success, 3 that its description is wrong. */
const invalid = 3;

type ErrorListener = (event: { readonly error: Error; preventDefault(): void }) => void;

/** What a device says of itself before there is an object for it. */
export interface DeviceNews {
  error: ((type: number, message: string) => void) | undefined;
  lost: ((reason: number, message: string) => void) | undefined;
}

export class Device extends Native {
  readonly lost: Promise<{ readonly reason: "unknown" | "destroyed"; readonly message: string }>;
  readonly features: ReadonlySet<string>;
  readonly limits: Readonly<Record<string, number>>;
  readonly queue: Queue;
  readonly #library: Library;
  readonly #adapter: Native;
  readonly #listeners = new Set<ErrorListener>();
  readonly #surfaces = new Set<WindowSurface>();

  constructor(library: Library, made: Pointer, adapter: Native, news: DeviceNews, label: string | undefined) {
    super(made, library.wgpu.zwgpuDeviceRelease, label);
    this.#library = library;
    this.#adapter = adapter;
    const { wgpu } = library;
    this.features = featuresOf((number) => wgpu.wgpuDeviceHasFeature(made, number) !== 0);
    this.limits = limitsOf((into) => wgpu.zwgpuDeviceGetLimits(made, into));
    this.queue = new Queue(library, this);
    const listeners = this.#listeners;
    news.error = (type, message) => {
      const error = errorOf(type, message);
      if (error) for (const listener of listeners) listener({ error, preventDefault() {} });
    };
    this.lost = new Promise((resolve) => {
      news.lost = (reason, message) =>
        resolve({ reason: reason === destroyed ? "destroyed" : "unknown", message });
    });
  }

  addEventListener(_type: "uncapturederror", listener: ErrorListener): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: "uncapturederror", listener: ErrorListener): void {
    this.#listeners.delete(listener);
  }

  destroy(): void {
    // Dawn ends the process where a surface outlives the device that it is configured with.
    for (const surface of [...this.#surfaces]) surface.close();
    this.#library.wgpu.zwgpuDeviceDestroy(this.pointer);
    this.#library.waits.process();
  }

  /** Draws into a window itself; undefined where its surface cannot be had as loop needs it. */
  surfaceOn(window: NativeWindow): WindowSurface | undefined {
    const surface = WindowSurface.open(this.#library, this.#adapter, this, window, (closed) =>
      this.#surfaces.delete(closed),
    );
    if (surface) this.#surfaces.add(surface);
    return surface;
  }

  pushErrorScope(filter: string): void {
    const number = numberOf("filter of errors", errorFilters, filter);
    this.#library.wgpu.zwgpuDevicePushErrorScope(this.pointer, number);
  }

  popErrorScope(): Promise<Error | null> {
    const { wgpu, waits } = this.#library;
    return waits.ask(
      waits.onPopped,
      (info) => wgpu.zwgpuDevicePopErrorScope(this.pointer, info),
      ({ status, type, message }) => {
        if (status === 1) return errorOf(type, message);
        throw new Error(message);
      },
    );
  }

  createBuffer(descriptor: GPUBufferDescriptor): Buffer {
    const made = this.#made("Buffer", layout.bufferDescriptor, descriptor);
    if (!made) throw new RangeError(`A buffer of ${descriptor.size} bytes cannot be mapped`);
    return new Buffer(this.#library, made, descriptor);
  }

  /** Throws where a format wants a feature that the device does not have, as WebGPU has it. */
  createTexture(descriptor: GPUTextureDescriptor): Texture {
    for (const format of [descriptor.format, ...(descriptor.viewFormats ?? [])]) {
      const feature = featureOf(format);
      if (feature && !this.features.has(feature))
        throw new TypeError(
          `The format ${format} needs the feature ${feature}, which the device does not have`,
        );
    }
    return new Texture(
      this.#library,
      this.#made("Texture", layout.textureDescriptor, descriptor),
      descriptor,
    );
  }

  createSampler(descriptor: GPUSamplerDescriptor = {}): Native {
    const made = this.#made("Sampler", layout.samplerDescriptor, descriptor);
    return new Native(made, this.#library.wgpu.zwgpuSamplerRelease, descriptor.label);
  }

  createQuerySet(descriptor: GPUQuerySetDescriptor): QuerySet {
    // WebGPU has it as an error of the call, not of the device.
    if (descriptor.type === "timestamp" && !this.features.has("timestamp-query"))
      throw new TypeError("Timestamps need the feature timestamp-query, which the device does not have");
    return new QuerySet(
      this.#library,
      this.#made("QuerySet", layout.querySetDescriptor, descriptor),
      descriptor,
    );
  }

  createBindGroupLayout(descriptor: GPUBindGroupLayoutDescriptor): Native {
    const made = this.#made("BindGroupLayout", layout.groupLayoutDescriptor, descriptor);
    return new Native(made, this.#library.wgpu.zwgpuBindGroupLayoutRelease, descriptor.label);
  }

  createPipelineLayout(descriptor: GPUPipelineLayoutDescriptor): Native {
    const made = this.#made("PipelineLayout", layout.pipelineLayoutDescriptor, descriptor);
    return new Native(made, this.#library.wgpu.zwgpuPipelineLayoutRelease, descriptor.label);
  }

  createBindGroup({ label, entries, ...rest }: GPUBindGroupDescriptor): Native {
    const bound = [...entries].map(({ binding, resource }) => ({ binding, ...boundAs(resource) }));
    const made = this.#made("BindGroup", layout.groupDescriptor, { ...rest, label, entries: bound });
    return new Native(made, this.#library.wgpu.zwgpuBindGroupRelease, label);
  }

  createShaderModule(descriptor: GPUShaderModuleDescriptor): ShaderModule {
    const { wgpu } = this.#library;
    const made = during(() => {
      const { code, label } = descriptor;
      const chained = { nextInChain: lay(layout.shaderText, { code }), label };
      return wgpu.zwgpuDeviceCreateShaderModule(this.pointer, lay(layout.shaderDescriptor, chained));
    });
    return new ShaderModule(this.#library, made, descriptor);
  }

  createRenderPipeline(descriptor: GPURenderPipelineDescriptor): Pipeline {
    const made = this.#made("RenderPipeline", layout.renderPipelineDescriptor, renderOf(descriptor));
    return new Pipeline(this.#library, "Render", made, descriptor.label);
  }

  createComputePipeline(descriptor: GPUComputePipelineDescriptor): Pipeline {
    const made = this.#made("ComputePipeline", layout.computePipelineDescriptor, computeOf(descriptor));
    return new Pipeline(this.#library, "Compute", made, descriptor.label);
  }

  createRenderPipelineAsync(descriptor: GPURenderPipelineDescriptor): Promise<Pipeline> {
    return this.#pipeline("Render", layout.renderPipelineDescriptor, renderOf(descriptor), descriptor.label);
  }

  createComputePipelineAsync(descriptor: GPUComputePipelineDescriptor): Promise<Pipeline> {
    const described = computeOf(descriptor);
    return this.#pipeline("Compute", layout.computePipelineDescriptor, described, descriptor.label);
  }

  createCommandEncoder(descriptor: GPUCommandEncoderDescriptor = {}): CommandEncoder {
    const made = this.#made("CommandEncoder", layout.labelled, descriptor);
    return new CommandEncoder(this.#library, made, descriptor.label);
  }

  createRenderBundleEncoder(descriptor: GPURenderBundleEncoderDescriptor): RenderBundleEncoder {
    const made = this.#made("RenderBundleEncoder", layout.bundleEncoderDescriptor, descriptor);
    return new RenderBundleEncoder(this.#library, made, descriptor.label);
  }

  #made(kind: Kinds, described: Kind, descriptor: object): Made {
    const make = this.#library.wgpu[`zwgpuDeviceCreate${kind}`];
    return during(() => make(this.pointer, lay(described, descriptor)));
  }

  #pipeline(kind: "Render" | "Compute", described: Kind, descriptor: object, label: string | undefined) {
    const { wgpu, waits } = this.#library;
    return waits.ask(
      waits.onMade,
      (info) => wgpu[`zwgpuDeviceCreate${kind}PipelineAsync`](this.pointer, lay(described, descriptor), info),
      ({ status, message, pointer: made }) => {
        if (status === 1) return new Pipeline(this.#library, kind, made, label);
        throw new GPUPipelineError(message, status === invalid ? "validation" : "internal");
      },
    );
  }
}

type Kinds =
  | "Buffer"
  | "Texture"
  | "Sampler"
  | "QuerySet"
  | "BindGroupLayout"
  | "PipelineLayout"
  | "BindGroup"
  | "RenderPipeline"
  | "ComputePipeline"
  | "CommandEncoder"
  | "RenderBundleEncoder";

const boundAs = (resource: unknown): object => {
  if (resource instanceof TextureView) return { textureView: resource };
  return resource instanceof Native ? { sampler: resource } : (resource as object);
};

/** Constants are a list of names and numbers there, and a layout of its own making is none. */
const stageOf = <T extends { readonly constants?: Readonly<Record<string, number>> | undefined }>(
  stage: T,
) => ({
  ...stage,
  constants: Object.entries(stage.constants ?? {}).map(([key, value]) => ({ key, value })),
});
const layoutOf = (given: unknown): object => (given === "auto" ? {} : { layout: given });

const renderOf = ({ layout, vertex, fragment, ...rest }: GPURenderPipelineDescriptor): object => ({
  ...rest,
  ...layoutOf(layout),
  vertex: stageOf(vertex),
  ...(fragment && { fragment: stageOf(fragment) }),
});
const computeOf = ({ layout, compute, ...rest }: GPUComputePipelineDescriptor): object => ({
  ...rest,
  ...layoutOf(layout),
  compute: stageOf(compute),
});

/** The feature without which a format is none. */
const featureOf = (format: string): string | undefined => {
  if (format.startsWith("bc")) return "texture-compression-bc";
  if (format.startsWith("etc2") || format.startsWith("eac")) return "texture-compression-etc2";
  if (format.startsWith("astc")) return "texture-compression-astc";
  return format === "depth32float-stencil8" ? format : undefined;
};

export const featuresOf = (has: (number: number) => boolean): ReadonlySet<string> =>
  new Set([...features].filter(([, number]) => has(number)).map(([name]) => name));

/** Reads WGPULimits. */
export const limitsOf = (get: (into: Pointer) => number): Readonly<Record<string, number>> =>
  during(() => {
    const { view, at, pointer } = take(layout.limits.bytes);
    get(pointer);
    return Object.fromEntries(
      layout.limitNames.map(([name, wide]) => {
        const place = at + layout.limits.offset(name);
        return [name, wide ? Number(view.getBigUint64(place, true)) : view.getUint32(place, true)];
      }),
    );
  });
