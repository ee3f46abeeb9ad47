import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { GpuBindGroup } from "./binding.ts";
import type { GpuBuffer } from "./buffer.ts";
import type { Holding } from "./holdings.ts";
import type { GpuComputePipeline, GpuRenderPipeline } from "./pipeline.ts";
import { Held, type Session } from "./session.ts";
import { encodeWords, type WireResources } from "./words.ts";

// Passes and bundles: the calls of which a frame has thousands. Dawn checks them when the encoder is finished, so
// they do nothing here but count and pass on. Measured: a call costs Dawn 0.3 to 0.7 µs and the border 0.05.

/** How many commands one command buffer may have: each is memory of ours until it is submitted. */
export class Commands {
  #left: number = limits.gpuCommandsMax;

  count(commands = 1): void {
    this.#left -= commands;
    if (this.#left < 0)
      throw fault("LK0743", `A command encoder has ${limits.gpuCommandsMax} commands, and that is the limit`);
  }
}

type Size = number | bigint | undefined;
const number = (size: Size): number | undefined => (typeof size === "bigint" ? Number(size) : size);

/** What passes and bundles have in common, and compute passes too. */
abstract class Encoder<
  T extends GPURenderPassEncoder | GPURenderBundleEncoder | GPUComputePassEncoder,
> extends Held<T> {
  protected readonly commands: Commands;

  constructor(session: Session, native: T, commands: Commands) {
    super(session, native);
    this.commands = commands;
  }

  setBindGroup(index: number, group: GpuBindGroup | undefined, offsets?: Uint32Array): unknown {
    this.commands.count();
    const native = group?.native ?? null;
    if (group) this.used(group.holdings);
    // Dawn takes an array in half the time of a typed one.
    if (offsets === undefined || offsets.length === 0) this.native.setBindGroup(index, native);
    else this.native.setBindGroup(index, native, Array.from(offsets));
    return undefined;
  }

  pushDebugGroup(label: string): void {
    this.commands.count();
    this.native.pushDebugGroup(label.slice(0, limits.gpuLabelLengthMax));
  }

  popDebugGroup(): void {
    this.commands.count();
    this.native.popDebugGroup();
  }

  insertDebugMarker(label: string): void {
    this.commands.count();
    this.native.insertDebugMarker(label.slice(0, limits.gpuLabelLengthMax));
  }

  /** Memory that a command uses. A pass's is kept by its encoder's being open. */
  protected used(_holdings: readonly Holding[]): void {}
}

abstract class Drawing<T extends GPURenderPassEncoder | GPURenderBundleEncoder> extends Encoder<T> {
  setPipeline(pipeline: GpuRenderPipeline): void {
    this.commands.count();
    this.native.setPipeline(pipeline.native);
  }

  setVertexBuffer(slot: number, buffer: GpuBuffer | undefined, offset?: Size, size?: Size): void {
    this.commands.count();
    if (buffer) this.used([buffer.holding]);
    this.native.setVertexBuffer(slot, buffer?.native ?? null, number(offset), number(size));
  }

  setIndexBuffer(buffer: GpuBuffer, format: string, offset?: Size, size?: Size): void {
    this.commands.count();
    this.used([buffer.holding]);
    this.native.setIndexBuffer(buffer.native, format as GPUIndexFormat, number(offset), number(size));
  }

  draw(vertices: number, instances?: number, firstVertex?: number, firstInstance?: number): void {
    this.commands.count();
    // Each argument costs Dawn's binding 30 ns.
    if (instances === undefined && firstVertex === undefined && firstInstance === undefined)
      this.native.draw(vertices);
    else this.native.draw(vertices, instances ?? 1, firstVertex ?? 0, firstInstance ?? 0);
  }

  drawIndexed(
    indices: number,
    instances?: number,
    firstIndex?: number,
    baseVertex?: number,
    firstInstance?: number,
  ): void {
    this.commands.count();
    this.native.drawIndexed(indices, instances ?? 1, firstIndex ?? 0, baseVertex ?? 0, firstInstance ?? 0);
  }

  drawIndirect(buffer: GpuBuffer, offset: number | bigint): void {
    this.commands.count();
    this.used([buffer.holding]);
    this.native.drawIndirect(buffer.native, Number(offset));
  }

  drawIndexedIndirect(buffer: GpuBuffer, offset: number | bigint): void {
    this.commands.count();
    this.used([buffer.holding]);
    this.native.drawIndexedIndirect(buffer.native, Number(offset));
  }

  encode(resources: WireResources, words: Uint32Array): void {
    for (const { holdings } of resources.bindGroups) this.used(holdings);
    this.used(resources.buffers.map(({ holding }) => holding));
    encodeWords(this.native, resources, words, this.commands);
  }
}

export interface WireColor {
  readonly r: number;
  readonly g: number;
  readonly b: number;
  readonly a: number;
}

export class GpuRenderPassEncoder extends Drawing<GPURenderPassEncoder> {
  setViewport(x: number, y: number, width: number, height: number, min: number, max: number): void {
    this.commands.count();
    this.native.setViewport(x, y, width, height, min, max);
  }

  setScissorRect(x: number, y: number, width: number, height: number): void {
    this.commands.count();
    this.native.setScissorRect(x, y, width, height);
  }

  setBlendConstant(color: WireColor): void {
    this.commands.count();
    this.native.setBlendConstant(color);
  }

  setStencilReference(reference: number): void {
    this.commands.count();
    this.native.setStencilReference(reference);
  }

  beginOcclusionQuery(index: number): void {
    this.commands.count();
    this.native.beginOcclusionQuery(index);
  }

  endOcclusionQuery(): void {
    this.commands.count();
    this.native.endOcclusionQuery();
  }

  executeBundles(bundles: readonly GpuRenderBundle[]): void {
    this.commands.count(1 + bundles.length);
    this.native.executeBundles(bundles.map(({ native }) => native));
  }

  end(): void {
    this.session.call("gpu-render-pass-encoder.end", () => this.native.end());
  }
}

export class GpuRenderBundleEncoder extends Drawing<GPURenderBundleEncoder> {
  /** A bundle lives on after its encoder, and holds what it uses. */
  readonly #used = new Set<Holding>();
  #finished = false;

  finish(): GpuRenderBundle {
    const native = this.session.make("gpu-render-bundle-encoder.finish", () => this.native.finish());
    this.#finished = true;
    return new this.session.classes.GpuRenderBundle(this.session, native, [...this.#used]);
  }

  protected override used(holdings: readonly Holding[]): void {
    for (const holding of holdings)
      if (!this.#used.has(holding)) {
        holding.share();
        this.#used.add(holding);
      }
  }

  protected override dropped(): void {
    if (!this.#finished) for (const holding of this.#used) holding.release();
  }
}

export class GpuRenderBundle extends Held<GPURenderBundle> {
  readonly #used: readonly Holding[];

  constructor(session: Session, native: GPURenderBundle, used: readonly Holding[]) {
    super(session, native);
    this.#used = used;
  }

  protected override dropped(): void {
    for (const holding of this.#used) holding.release();
  }
}

export class GpuComputePassEncoder extends Encoder<GPUComputePassEncoder> {
  setPipeline(pipeline: GpuComputePipeline): void {
    this.commands.count();
    this.native.setPipeline(pipeline.native);
  }

  dispatchWorkgroups(x: number, y?: number, z?: number): void {
    this.commands.count();
    this.native.dispatchWorkgroups(x, y ?? 1, z ?? 1);
  }

  dispatchWorkgroupsIndirect(buffer: GpuBuffer, offset: number | bigint): void {
    this.commands.count();
    this.native.dispatchWorkgroupsIndirect(buffer.native, Number(offset));
  }

  end(): void {
    this.session.call("gpu-compute-pass-encoder.end", () => this.native.end());
  }
}
