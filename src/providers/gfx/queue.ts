import type { Event } from "../../host/provider.ts";
import type { GpuBuffer } from "./buffer.ts";
import type { GpuCommandBuffer, WireCopyTexture } from "./command.ts";
import { plain } from "./descriptor.ts";
import { answeringNow } from "./error.ts";
import { Held } from "./session.ts";
import type { WireExtent } from "./texture.ts";

// gpu-queue: what the device is told to do.

export class GpuQueue extends Held<GPUQueue> {
  submit(buffers: readonly GpuCommandBuffer[]): void {
    this.session.call("gpu-queue.submit", () => this.native.submit(buffers.map(({ native }) => native)));
    for (const { open } of buffers) open.close();
  }

  async onSubmittedWorkDone(): Promise<void> {
    await this.session.lifetime.until(this.native.onSubmittedWorkDone());
  }

  /** Ready when what was submitted until now is done. */
  done(): Event {
    let ready = false;
    const wakes = new Set<() => void>();
    const settle = () => {
      ready = true;
      for (const wake of [...wakes]) wake();
    };
    this.native.onSubmittedWorkDone().then(settle, settle);
    return {
      ready: () => ready,
      listen: (wake) => {
        const own = () => wake();
        wakes.add(own);
        return () => void wakes.delete(own);
      },
    };
  }

  writeBuffer(buffer: GpuBuffer, offset: number | bigint, data: Uint8Array): void {
    this.session.call("gpu-queue.write-buffer", () =>
      answeringNow(() => this.native.writeBuffer(buffer.native, Number(offset), data as BufferSource)),
    );
  }

  writeTexture(destination: WireCopyTexture, data: Uint8Array, layout: object, size: WireExtent): void {
    this.session.call("gpu-queue.write-texture", () =>
      answeringNow(() =>
        this.native.writeTexture(plain(destination), data as BufferSource, plain(layout), plain(size)),
      ),
    );
  }
}
