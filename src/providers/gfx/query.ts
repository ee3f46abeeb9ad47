import { plain } from "./descriptor.ts";
import { answeringNow } from "./error.ts";
import type { Holding } from "./holdings.ts";
import { Held, type Session } from "./session.ts";

// gpu-query-set: what the device counts and times.

export interface WireQuerySetDescriptor {
  readonly type: string;
  readonly count: number;
  readonly label?: string | undefined;
}

export class GpuQuerySet extends Held<GPUQuerySet> {
  readonly #holding: Holding;

  constructor(session: Session, native: GPUQuerySet, holding: Holding) {
    super(session, native);
    this.#holding = holding;
  }

  destroy(): void {
    this.#holding.destroy();
  }

  type(): string {
    return this.native.type;
  }

  count(): number {
    return this.native.count;
  }

  protected override dropped(): void {
    this.#holding.release();
  }
}

/** Declared error: out-of-memory, or validation where the device has no timestamps. */
export const createQuerySet = (session: Session, descriptor: WireQuerySetDescriptor): GpuQuerySet => {
  let native: GPUQuerySet | undefined;
  const holding = session.holdings.hold(descriptor.count * 8, `A query set of ${descriptor.count}`, () =>
    native?.destroy(),
  );
  try {
    native = session.make("gpu-device.create-query-set", () =>
      answeringNow(() => session.native.createQuerySet(plain(descriptor))),
    );
  } catch (error) {
    holding.destroy();
    throw error;
  }
  return new session.classes.GpuQuerySet(session, native, holding);
};
