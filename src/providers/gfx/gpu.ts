import { declared, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { Lifetime } from "../../host/lifetime.ts";
import type { InstanceContext } from "../../host/provider.ts";
import { type AdapterWish, type AdapterWorld, findAdapter, noAdapter } from "./adapter.ts";
import * as classes from "./classes.ts";
import { plain } from "./descriptor.ts";
import { adapterInfo, type GpuDevice, type WireAdapterInfo } from "./device.ts";
import { answering, outOfMemory, type WireError } from "./error.ts";
import { Holdings } from "./holdings.ts";
import { limitName, wireFeatures, wireLimits } from "./names.ts";
import { NativeDevice } from "./native.ts";
import { type Classes, Session, type SessionWish } from "./session.ts";

// The graphics processors of one instance: its adapters, its devices, and all that it holds on them.

export interface GpuBounds {
  readonly bytesMax?: number | undefined;
  readonly objectsMax?: number | undefined;
}

/** What an instance may hold: no more than the memory that it was given, since a GPU in software takes it there. */
export const boundsOf = (context: InstanceContext, bounds: GpuBounds = {}): GpuBounds => ({
  bytesMax: Math.min(bounds.bytesMax ?? limits.gpuBytesMax, context.limits?.memoryBytesMax ?? Infinity),
  objectsMax: bounds.objectsMax,
});

/** How a device of another instance's is gone on with; its errors as that one asked for them where nothing is said. */
export type Adoption = Pick<SessionWish, "classes" | "tellError"> & Partial<Pick<SessionWish, "keepErrors">>;

export class Gpu {
  readonly holdings: Holdings;
  readonly lifetime = new Lifetime();
  readonly #world: AdapterWorld;
  readonly #sessions = new Set<Session>();
  #dropped = false;
  #pending = 0;

  constructor(world: AdapterWorld, bounds: GpuBounds = {}) {
    this.#world = world;
    this.holdings = new Holdings(bounds);
  }

  /** An adapter of its own for whoever asks, or what was looked for where there is none. */
  look(wish: AdapterWish): Promise<GPUAdapter | { readonly looked: readonly string[] }> {
    return this.lifetime.until(findAdapter(wish, this.#world));
  }

  /** LK0741 where there is none. */
  async adapter(wish: AdapterWish): Promise<GPUAdapter> {
    const found = await this.look(wish);
    if ("looked" in found) throw noAdapter(found.looked);
    return found;
  }

  async device(
    adapter: GPUAdapter,
    descriptor: GPUDeviceDescriptor,
    {
      classes,
      keep,
      tell,
    }: {
      readonly classes: Classes;
      readonly keep: boolean;
      readonly tell?: (error: WireError) => void;
    },
  ): Promise<Session> {
    if (this.#sessions.size + this.#pending >= limits.gpuDevicesMax)
      throw declared(outOfMemory(`${limits.gpuDevicesMax} GPU devices are held, and that is the limit`));
    this.#pending++;
    const native = await this.lifetime.until(adapter.requestDevice(descriptor)).finally(() => {
      this.#pending--;
    });
    // A device that came after the end has nobody to destroy it.
    if (this.#dropped) native.destroy();
    return this.#begin(new NativeDevice(native), { classes, keepErrors: keep, tellError: tell });
  }

  /** A session of its own with the device of another instance's. LK0743 where it has too many. */
  adopt(other: Session, { classes, keepErrors = other.keepErrors, tellError }: Adoption): Session {
    const known = this.sessionOn(other.device, classes);
    if (known) return known;
    if (this.#sessions.size + this.#pending >= limits.gpuDevicesMax)
      throw fault("LK0743", `${limits.gpuDevicesMax} GPU devices are held, and that is the limit`);
    return this.#begin(other.device, { classes, keepErrors, tellError });
  }

  /** The session that it has with a device by an interface. */
  sessionOn(device: NativeDevice, classes: Classes): Session | undefined {
    return [...this.#sessions].find(
      (session) => session.device === device && session.classes === classes && session.usable,
    );
  }

  #begin(device: NativeDevice, wish: Pick<SessionWish, "classes" | "keepErrors" | "tellError">): Session {
    const session = new Session(device, {
      ...wish,
      holdings: this.holdings,
      lifetime: this.lifetime,
      onLost: (lost) => void this.#sessions.delete(lost),
    });
    this.#sessions.add(session);
    return session;
  }

  /** Gives back everything at once. */
  drop(): void {
    this.#dropped = true;
    this.lifetime.end();
    this.holdings.clear();
    for (const session of [...this.#sessions]) session.destroy();
  }
}

export interface WireDeviceDescriptor {
  readonly requiredFeatures?: readonly string[] | undefined;
  readonly requiredLimits?: readonly (readonly [name: string, value: bigint])[] | undefined;
  readonly keepUncapturedErrors?: boolean | undefined;
  readonly label?: string | undefined;
}

/** An adapter that is counted until its handle is dropped. */
export class HeldAdapter {
  readonly native: GPUAdapter;
  protected readonly gpu: Gpu;
  #dropped = false;

  /** LK0743 where too much is held. */
  constructor(gpu: Gpu, native: GPUAdapter) {
    gpu.holdings.enter();
    this.gpu = gpu;
    this.native = native;
  }

  [Symbol.dispose](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.gpu.holdings.leave();
  }
}

/** gpu-adapter. */
export class GpuAdapter extends HeldAdapter {
  features(): unknown {
    return wireFeatures(this.native.features);
  }

  limits(): unknown {
    return wireLimits(this.native.limits);
  }

  info(): unknown {
    return adapterInfo(this.native) satisfies WireAdapterInfo;
  }

  requestDevice(descriptor: WireDeviceDescriptor = {}): Promise<GpuDevice> {
    const { requiredLimits, keepUncapturedErrors, ...rest } = descriptor;
    return answering(async () => {
      const session = await this.gpu.device(
        this.native,
        {
          ...plain<GPUDeviceDescriptor>(rest),
          ...(requiredLimits === undefined ? {} : { requiredLimits: limitsOf(requiredLimits) }),
        },
        { classes, keep: keepUncapturedErrors ?? false },
      );
      return new classes.GpuDevice(session, adapterInfo(this.native));
    });
  }
}

export const limitsOf = (
  wanted: readonly (readonly [name: string, value: bigint])[],
): Record<string, number> =>
  Object.fromEntries(wanted.map(([name, value]) => [limitName(name), Number(value)]));

/** LK0301: who waits for a GPU needs somebody who makes pollables. */
export const noPollables = (component: string) =>
  fault("LK0301", `${component} waits for a GPU, and no provider makes pollables for it`);

/** LK0301: a surface is a window, and somebody has to show windows. */
export const noWindows = (component: string) =>
  fault("LK0301", `${component} opens a surface, and no provider shows windows`);
