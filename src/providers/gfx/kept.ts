import { Shelves, unfit } from "../../host/kept.ts";
import type { InstanceContext } from "../../host/provider.ts";
import { mayUse } from "../../trust/grants.ts";
import { GpuBuffer, GpuDevice, GpuTexture } from "./classes.ts";
import { ending } from "./error.ts";
import type { Adoption, Gpu } from "./gpu.ts";
import type { Holding } from "./holdings.ts";
import type { Session } from "./session.ts";

// What an instance has on the GPU and the one that takes its place goes on with. Dawn's objects are the same for both;
// each has a session, counts and handles of its own, by whichever interface it draws.

/** What is kept: the handle's object, whose handle may be gone. */
type Kept = GpuDevice | GpuBuffer | GpuTexture;

const kinds = [GpuDevice, GpuBuffer, GpuTexture];

const shelves = new Shelves<Kept>();

/** The interface whose resources are kept. */
export interface KeptBy extends Adoption {
  /** Unversioned: whoever takes something of it has to have been granted it. */
  readonly name: string;
  /** What devices are made of: an instance may have a class of its own. */
  readonly device: Adoption["classes"]["GpuDevice"];
}

/** `loop:gfx/kept` and `loop:kept-webgpu/gpu` for one instance. What the one keeps, the other takes. */
export const keptOnGpu = (
  context: InstanceContext,
  gpu: Gpu,
  { name: by, device: Device, ...wish }: KeptBy,
) => {
  const { GpuBuffer: Buffer, GpuTexture: Texture } = wish.classes;
  const shelf = shelves.of(context);
  const keep = (name: string, value: Kept): void => {
    // A component that serves GPUs in the host's place has objects of its own.
    if (!kinds.some((kind) => value instanceof kind) || !isAlive(value)) throw unfit();
    const { session } = value;
    shelf.keep(name, value, () => {
      session.enter();
      if (!(value instanceof GpuDevice)) value.holding.share();
      return () => {
        if (!(value instanceof GpuDevice)) value.holding.release();
        session.leave();
      };
    });
  };
  const find = <T extends Kept>(name: string, kind: abstract new (...args: never[]) => T): T | undefined => {
    const kept = shelf.find(name);
    if (!(kept instanceof kind) || !isAlive(kept)) return undefined;
    if (mayUse(context.grants, by)) return kept;
    context.onDenied?.({
      wanted: "to go on with what lies on the GPU",
      grant: { kind: "capability", value: by },
    });
    return undefined;
  };
  /** Counted for the taker, which has to have taken the device. */
  const adopt = <T>(
    kept: { readonly session: Session; readonly holding: Holding },
    make: (session: Session, holding: Holding) => T,
  ): T | undefined => {
    const session = gpu.sessionOn(kept.session.device, wish.classes);
    if (!session) return undefined;
    const holding = ending(() => kept.holding.sharedWith(gpu.holdings));
    try {
      session.enter();
      return make(session, holding);
    } catch (error) {
      holding.destroy();
      throw error;
    }
  };
  const told = (target: string) => context.audit?.({ capability: "gpu", action: "take", target });
  return {
    GpuDevice: Device,
    GpuBuffer: Buffer,
    GpuTexture: Texture,
    keepDevice: keep,
    keepBuffer: keep,
    keepTexture: keep,
    takeDevice(name: string): GpuDevice | undefined {
      const kept = find(name, GpuDevice);
      if (!kept) return undefined;
      told("a device");
      return new Device(gpu.adopt(kept.session, wish), kept.info);
    },
    takeBuffer(name: string): GpuBuffer | undefined {
      const kept = find(name, GpuBuffer);
      if (kept?.native.mapState !== "unmapped") return undefined;
      told("a buffer");
      return adopt(kept, (session, holding) => new Buffer(session, kept.native, holding).sharedUntilEnd());
    },
    takeTexture(name: string): GpuTexture | undefined {
      const kept = find(name, GpuTexture);
      if (!kept) return undefined;
      told("a texture");
      return adopt(kept, (session, holding) => new Texture(session, kept.native, holding));
    },
    forget: (name: string) => shelf.forget(name),
  };
};

const isAlive = (value: Kept): boolean =>
  value.session.usable && (value instanceof GpuDevice || !value.holding.gone);
