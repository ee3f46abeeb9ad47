import type { GpuBuffer } from "./buffer.ts";
import { plain } from "./descriptor.ts";
import type { Holding } from "./holdings.ts";
import { Held, type Session } from "./session.ts";
import type { GpuTextureView } from "./texture.ts";

// Samplers, layouts and bind groups: what shaders are given. A bind group holds the memory of what it binds.

export class GpuSampler extends Held<GPUSampler> {}
export class GpuBindGroupLayout extends Held<GPUBindGroupLayout> {}
export class GpuPipelineLayout extends Held<GPUPipelineLayout> {}

export class GpuBindGroup extends Held<GPUBindGroup> {
  readonly holdings: readonly Holding[];

  constructor(session: Session, native: GPUBindGroup, holdings: readonly Holding[]) {
    super(session, native);
    this.holdings = holdings;
    for (const holding of holdings) holding.share();
  }

  protected override dropped(): void {
    for (const holding of this.holdings) holding.release();
  }
}

/** Our interface's cases and the public one's. */
type WireResource =
  | {
      readonly tag: "buffer" | "gpu-buffer-binding";
      readonly val: { readonly buffer: GpuBuffer };
    }
  | { readonly tag: "sampler" | "gpu-sampler"; readonly val: GpuSampler }
  | { readonly tag: "texture-view" | "gpu-texture-view"; readonly val: GpuTextureView };

export interface WireBindGroupDescriptor {
  readonly layout: GpuBindGroupLayout;
  readonly entries: readonly { readonly binding: number; readonly resource: WireResource }[];
  readonly label?: string | undefined;
}

const holdingOf = ({ tag, val }: WireResource): Holding[] => {
  if (tag === "buffer" || tag === "gpu-buffer-binding") return [val.buffer.holding];
  return tag === "texture-view" || tag === "gpu-texture-view" ? [val.holding] : [];
};

export const createBindGroup = (session: Session, descriptor: WireBindGroupDescriptor): GpuBindGroup => {
  const native = session.make("gpu-device.create-bind-group", () =>
    session.native.createBindGroup(plain(descriptor)),
  );
  const holdings = descriptor.entries.flatMap(({ resource }) => holdingOf(resource));
  return new session.classes.GpuBindGroup(session, native, holdings);
};

export const createSampler = (session: Session, descriptor?: object): GpuSampler =>
  new session.classes.GpuSampler(
    session,
    session.make("gpu-device.create-sampler", () => session.native.createSampler(plain(descriptor ?? {}))),
  );

export const createBindGroupLayout = (session: Session, descriptor: object): GpuBindGroupLayout =>
  new session.classes.GpuBindGroupLayout(
    session,
    session.make("gpu-device.create-bind-group-layout", () =>
      session.native.createBindGroupLayout(plain(descriptor)),
    ),
  );

export const createPipelineLayout = (session: Session, descriptor: object): GpuPipelineLayout =>
  new session.classes.GpuPipelineLayout(
    session,
    session.make("gpu-device.create-pipeline-layout", () =>
      session.native.createPipelineLayout(plain(descriptor)),
    ),
  );
