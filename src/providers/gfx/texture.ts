import { plain } from "./descriptor.ts";
import { type Holding, textureBytes } from "./holdings.ts";
import { bits, dimension, type Flags, flags, format, wireDimension, wireFormat } from "./names.ts";
import { Held, type Session } from "./session.ts";

// gpu-texture and its views. A view holds its texture's memory.

export interface WireExtent {
  readonly width: number;
  readonly height?: number | undefined;
  readonly depthOrArrayLayers?: number | undefined;
}

export interface WireTextureDescriptor {
  readonly size: WireExtent;
  readonly format: string;
  readonly usage: Flags;
  readonly mipLevelCount?: number | undefined;
  readonly sampleCount?: number | undefined;
  readonly dimension?: string | undefined;
  readonly viewFormats?: readonly string[] | undefined;
  readonly label?: string | undefined;
}

export interface WireTextureViewDescriptor {
  readonly usage?: Flags | undefined;
  readonly label?: string | undefined;
}

export class GpuTexture extends Held<GPUTexture> {
  readonly holding: Holding;

  constructor(session: Session, native: GPUTexture, holding: Holding) {
    super(session, native);
    this.holding = holding;
  }

  createView(descriptor?: WireTextureViewDescriptor): GpuTextureView {
    const { usage } = descriptor ?? {};
    const native = this.session.make("gpu-texture.create-view", () =>
      this.native.createView({
        ...plain<GPUTextureViewDescriptor>(descriptor ?? {}),
        ...(usage === undefined ? {} : { usage: bits("textureUsage", usage) }),
      }),
    );
    return new this.session.classes.GpuTextureView(this.session, native, this.holding);
  }

  destroy(): void {
    this.holding.destroy();
  }

  width(): number {
    return this.native.width;
  }

  height(): number {
    return this.native.height;
  }

  depthOrArrayLayers(): number {
    return this.native.depthOrArrayLayers;
  }

  mipLevelCount(): number {
    return this.native.mipLevelCount;
  }

  sampleCount(): number {
    return this.native.sampleCount;
  }

  dimension(): string {
    return wireDimension(this.native.dimension);
  }

  format(): string {
    return wireFormat(this.native.format);
  }

  usage(): Flags {
    return flags("textureUsage", this.native.usage);
  }

  protected override dropped(): void {
    this.holding.release();
  }
}

export class GpuTextureView extends Held<GPUTextureView> {
  readonly holding: Holding;

  constructor(session: Session, native: GPUTextureView, holding: Holding) {
    super(session, native);
    this.holding = holding;
    holding.share();
  }

  protected override dropped(): void {
    this.holding.release();
  }
}

/** Declared error out-of-memory. */
export const createTexture = (session: Session, descriptor: WireTextureDescriptor): GpuTexture => {
  const { width, height = 1, depthOrArrayLayers = 1 } = descriptor.size;
  const bytes = textureBytes({
    format: format(descriptor.format),
    size: { width, height, depthOrArrayLayers },
    mipLevelCount: descriptor.mipLevelCount ?? 1,
    sampleCount: descriptor.sampleCount ?? 1,
    dimension: dimension(descriptor.dimension ?? "d2"),
  });
  let native: GPUTexture | undefined;
  const holding = session.holdings.hold(
    bytes,
    `A texture of ${width} × ${height} × ${depthOrArrayLayers}, ${descriptor.format},`,
    () => native?.destroy(),
  );
  try {
    native = session.make("gpu-device.create-texture", () =>
      session.native.createTexture({
        ...plain<GPUTextureDescriptor>(descriptor),
        usage: bits("textureUsage", descriptor.usage),
      }),
    );
  } catch (error) {
    holding.destroy();
    throw error;
  }
  return new session.classes.GpuTexture(session, native, holding);
};
