import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { GpuBindGroupLayout } from "./binding.ts";
import { plain } from "./descriptor.ts";
import { answering } from "./error.ts";
import { Held, type Session } from "./session.ts";

// Shaders and pipelines.

export interface WireMessage {
  readonly type: string;
  readonly message: string;
  readonly lineNum: number;
  readonly linePos: number;
  readonly offset: number;
  readonly length: number;
}

export class GpuShaderModule extends Held<GPUShaderModule> {
  async getCompilationInfo(): Promise<unknown> {
    return this.messages();
  }

  /** What the compiler said. */
  async messages(): Promise<WireMessage[]> {
    const { messages } = await this.session.lifetime.until(this.native.getCompilationInfo());
    return [...messages].map(({ type, message, lineNum, linePos, offset, length }) => ({
      type,
      message,
      lineNum,
      linePos,
      offset,
      length,
    }));
  }
}

const layoutOf = (
  session: Session,
  native: { getBindGroupLayout(index: number): GPUBindGroupLayout },
  index: number,
): GpuBindGroupLayout =>
  new session.classes.GpuBindGroupLayout(
    session,
    session.make("get-bind-group-layout", () => native.getBindGroupLayout(index)),
  );

export class GpuComputePipeline extends Held<GPUComputePipeline> {
  getBindGroupLayout(index: number): GpuBindGroupLayout {
    return layoutOf(this.session, this.native, index);
  }
}

export class GpuRenderPipeline extends Held<GPURenderPipeline> {
  getBindGroupLayout(index: number): GpuBindGroupLayout {
    return layoutOf(this.session, this.native, index);
  }
}

export interface WireShaderModuleDescriptor {
  readonly code: string;
  readonly label?: string | undefined;
}

/** Compiling takes as long as the text is, and nothing else runs meanwhile. LK0743 where it is too long. */
export const createShaderModule = (
  session: Session,
  { code, label }: WireShaderModuleDescriptor,
): GpuShaderModule => {
  if (code.length > limits.gpuShaderLengthMax)
    throw fault("LK0743", `A shader is ${code.length} characters; the limit is ${limits.gpuShaderLengthMax}`);
  return new session.classes.GpuShaderModule(
    session,
    session.make("gpu-device.create-shader-module", () =>
      session.native.createShaderModule(plain({ code, label })),
    ),
  );
};

const withLayout = <T>(descriptor: object): T => plain({ layout: "auto", ...dropUndefined(descriptor) });

const dropUndefined = (descriptor: object): object =>
  Object.fromEntries(Object.entries(descriptor).filter(([, value]) => value !== undefined));

export const createComputePipeline = (session: Session, descriptor: object): GpuComputePipeline =>
  new session.classes.GpuComputePipeline(
    session,
    session.make("gpu-device.create-compute-pipeline", () =>
      session.native.createComputePipeline(withLayout(descriptor)),
    ),
  );

export const createRenderPipeline = (session: Session, descriptor: object): GpuRenderPipeline =>
  new session.classes.GpuRenderPipeline(
    session,
    session.make("gpu-device.create-render-pipeline", () =>
      session.native.createRenderPipeline(withLayout(descriptor)),
    ),
  );

/** Counts before it waits, so that a thousand that wait are counted. */
const awaited = <T>(session: Session, work: () => Promise<T>): Promise<T> => {
  session.enter();
  return answering(async () => {
    try {
      return await session.lifetime.until(work());
    } catch (error) {
      session.leave();
      throw error;
    }
  });
};

export const createComputePipelineAsync = async (
  session: Session,
  descriptor: object,
): Promise<GpuComputePipeline> =>
  new session.classes.GpuComputePipeline(
    session,
    await awaited(session, () => session.native.createComputePipelineAsync(withLayout(descriptor))),
  );

export const createRenderPipelineAsync = async (
  session: Session,
  descriptor: object,
): Promise<GpuRenderPipeline> =>
  new session.classes.GpuRenderPipeline(
    session,
    await awaited(session, () => session.native.createRenderPipelineAsync(withLayout(descriptor))),
  );
