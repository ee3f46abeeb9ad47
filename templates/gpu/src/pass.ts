import type { GpuBindGroup, GpuBuffer, GpuRenderPassEncoder, GpuRenderPipeline } from "loop:gfx/webgpu";

/** The numbers that `encode` knows commands by. */
const command = {
  pipeline: 0,
  groupWithOffsets: 1,
  vertices: 2,
  indices: 3,
  drawFrom: 4,
  drawIndexed: 5,
  draw: 8,
  group: 9,
} as const;
const rest = 0xffff_ffff;

/**
 * A render pass with WebGPU's calls, which writes them down and sends them all at `end`. A call out of TypeScript costs ten
 * times what writing it down does, so that thousands of draws fit into a frame.
 */
export class Pass {
  // Fields that begin with # cost this engine twice as much, and here that is half of all.
  private readonly encoder: GpuRenderPassEncoder;
  private readonly words: number[] = [];
  private readonly pipelines: GpuRenderPipeline[] = [];
  private readonly groups: GpuBindGroup[] = [];
  private readonly buffers: GpuBuffer[] = [];
  /** The group that was named last, and its place: mostly it is the next one, too. */
  private group: GpuBindGroup | undefined;
  private groupPlace = 0;

  constructor(encoder: GpuRenderPassEncoder) {
    this.encoder = encoder;
  }

  setPipeline(pipeline: GpuRenderPipeline): void {
    this.words.push(command.pipeline, placeIn(this.pipelines, pipeline));
  }

  setBindGroup(index: number, group: GpuBindGroup, offsets?: readonly number[]): void {
    if (group !== this.group) {
      this.group = group;
      this.groupPlace = placeIn(this.groups, group);
    }
    if (offsets === undefined) this.words.push(command.group, index, this.groupPlace);
    else this.words.push(command.groupWithOffsets, index, this.groupPlace, offsets.length, ...offsets);
  }

  setVertexBuffer(slot: number, buffer: GpuBuffer, offset = 0, size = rest): void {
    this.words.push(command.vertices, slot, placeIn(this.buffers, buffer), offset, size);
  }

  setIndexBuffer(buffer: GpuBuffer, format: "uint16" | "uint32", offset = 0, size = rest): void {
    this.words.push(
      command.indices,
      placeIn(this.buffers, buffer),
      format === "uint16" ? 0 : 1,
      offset,
      size,
    );
  }

  draw(vertices: number, instances = 1, firstVertex = 0, firstInstance = 0): void {
    if (instances === 1 && firstVertex === 0 && firstInstance === 0) this.words.push(command.draw, vertices);
    else this.words.push(command.drawFrom, vertices, instances, firstVertex, firstInstance);
  }

  drawIndexed(indices: number, instances = 1, firstIndex = 0, baseVertex = 0, firstInstance = 0): void {
    this.words.push(command.drawIndexed, indices, instances, firstIndex, baseVertex, firstInstance);
  }

  /** Sends what was written down, for calls of the encoder's own that have to come after it, such as `setScissorRect`. */
  flush(): GpuRenderPassEncoder {
    const words = new Uint32Array(this.words);
    this.words.length = 0;
    const { pipelines, groups: bindGroups, buffers } = this;
    if (words.length > 0) this.encoder.encode({ pipelines, bindGroups, buffers }, words);
    return this.encoder;
  }

  end(): void {
    this.flush().end();
  }
}

/** Where `encode` finds one of what a pass names, by the order in which it was named first. */
const placeIn = <T>(all: T[], one: T): number => {
  const there = all.indexOf(one);
  return there >= 0 ? there : all.push(one) - 1;
};
