import { limits } from "../../base/limits.ts";
import type { GpuBuffer } from "./buffer.ts";
import { plain } from "./descriptor.ts";
import type { Open } from "./holdings.ts";
import { Commands, type GpuComputePassEncoder, type GpuRenderPassEncoder } from "./pass.ts";
import type { GpuQuerySet } from "./query.ts";
import { Held, type Session } from "./session.ts";
import type { GpuTexture, WireExtent } from "./texture.ts";

// Command encoders and what they make. From its creation to its submission a command buffer keeps the memory that was
// there (holdings.ts).

export interface WireCopyBuffer {
  readonly buffer: GpuBuffer;
}

export interface WireCopyTexture {
  readonly texture: GpuTexture;
}

type Size = number | bigint;

export class GpuCommandEncoder extends Held<GPUCommandEncoder> {
  readonly #commands = new Commands();
  readonly #open: Open;
  #finished = false;

  constructor(session: Session, native: GPUCommandEncoder) {
    super(session, native);
    this.#open = session.holdings.open();
  }

  beginRenderPass(descriptor: object): GpuRenderPassEncoder {
    this.#commands.count();
    const native = this.session.make("gpu-command-encoder.begin-render-pass", () =>
      this.native.beginRenderPass(plain(descriptor)),
    );
    return new this.session.classes.GpuRenderPassEncoder(this.session, native, this.#commands);
  }

  beginComputePass(descriptor?: object): GpuComputePassEncoder {
    this.#commands.count();
    const native = this.session.make("gpu-command-encoder.begin-compute-pass", () =>
      this.native.beginComputePass(plain(descriptor ?? {})),
    );
    return new this.session.classes.GpuComputePassEncoder(this.session, native, this.#commands);
  }

  copyBufferToBuffer(
    source: GpuBuffer,
    sourceOffset: Size,
    destination: GpuBuffer,
    destinationOffset: Size,
    size: Size,
  ): void {
    this.#do("copy-buffer-to-buffer", () =>
      this.native.copyBufferToBuffer(
        source.native,
        Number(sourceOffset),
        destination.native,
        Number(destinationOffset),
        Number(size),
      ),
    );
  }

  copyBufferToTexture(source: WireCopyBuffer, destination: WireCopyTexture, size: WireExtent): void {
    this.#do("copy-buffer-to-texture", () =>
      this.native.copyBufferToTexture(plain(source), plain(destination), plain(size)),
    );
  }

  copyTextureToBuffer(source: WireCopyTexture, destination: WireCopyBuffer, size: WireExtent): void {
    this.#do("copy-texture-to-buffer", () =>
      this.native.copyTextureToBuffer(plain(source), plain(destination), plain(size)),
    );
  }

  copyTextureToTexture(source: WireCopyTexture, destination: WireCopyTexture, size: WireExtent): void {
    this.#do("copy-texture-to-texture", () =>
      this.native.copyTextureToTexture(plain(source), plain(destination), plain(size)),
    );
  }

  clearBuffer(buffer: GpuBuffer, offset?: Size, size?: Size): void {
    this.#do("clear-buffer", () =>
      this.native.clearBuffer(
        buffer.native,
        offset === undefined ? undefined : Number(offset),
        size === undefined ? undefined : Number(size),
      ),
    );
  }

  resolveQuerySet(set: GpuQuerySet, first: number, count: number, to: GpuBuffer, offset: Size): void {
    this.#do("resolve-query-set", () =>
      this.native.resolveQuerySet(set.native, first, count, to.native, Number(offset)),
    );
  }

  pushDebugGroup(label: string): void {
    this.#do("push-debug-group", () => this.native.pushDebugGroup(label.slice(0, limits.gpuLabelLengthMax)));
  }

  popDebugGroup(): void {
    this.#do("pop-debug-group", () => this.native.popDebugGroup());
  }

  insertDebugMarker(label: string): void {
    this.#do("insert-debug-marker", () =>
      this.native.insertDebugMarker(label.slice(0, limits.gpuLabelLengthMax)),
    );
  }

  finish(descriptor?: object): GpuCommandBuffer {
    const native = this.session.make("gpu-command-encoder.finish", () =>
      this.native.finish(plain(descriptor ?? {})),
    );
    this.#finished = true;
    return new this.session.classes.GpuCommandBuffer(this.session, native, this.#open);
  }

  protected override dropped(): void {
    if (!this.#finished) this.#open.close();
  }

  #do(what: string, work: () => void): void {
    this.#commands.count();
    this.session.call(`gpu-command-encoder.${what}`, work);
  }
}

export class GpuCommandBuffer extends Held<GPUCommandBuffer> {
  readonly open: Open;

  constructor(session: Session, native: GPUCommandBuffer, open: Open) {
    super(session, native);
    this.open = open;
  }

  protected override dropped(): void {
    this.open.close();
  }
}

export const createCommandEncoder = (session: Session, descriptor?: object): GpuCommandEncoder =>
  new session.classes.GpuCommandEncoder(
    session,
    session.make("gpu-device.create-command-encoder", () =>
      session.native.createCommandEncoder(plain(descriptor ?? {})),
    ),
  );
