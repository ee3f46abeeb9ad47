import { keepBuffer, keepDevice, takeBuffer, takeDevice } from "loop:gfx/kept";
import { GpuCanvasContext, getPreferredCanvasFormat } from "loop:gfx/surface";
import {
  type GpuBindGroup,
  type GpuBuffer,
  type GpuComputePipeline,
  type GpuDevice,
  type GpuQueue,
  type GpuRenderPipeline,
  requestAdapter,
} from "loop:gfx/webgpu";
import type { Event } from "loop:window/events";
import { Window } from "loop:window/windows";
import { shader } from "./shader.ts";

/** Numbers of a particle: its place and its speed. */
const particleBytes = 16;
const settingsBytes = 32;
const workgroup = 64;

let window: Window;
let canvas: GpuCanvasContext;
let device: GpuDevice;
let queue: GpuQueue;
let settings: GpuBuffer;
let advance: GpuComputePipeline;
let draw: GpuRenderPipeline;
let advanceGroup: GpuBindGroup;
let drawGroup: GpuBindGroup;
let count = 0;
/** Where the pointer is, from -1 to 1 in both directions; the middle until it moves. */
const pointer = { x: 0, y: 0 };

/** A device, and particles on it: those of the version before this one, which fly on, or new ones. */
function begin(): GpuBuffer {
  const [known, flying] = [takeDevice("device"), takeBuffer("particles")];
  if (known && flying) {
    device = known;
    count = flying.size() / particleBytes;
    return flying;
  }
  const adapter = requestAdapter({ powerPreference: "high-performance" });
  count = adapter.info().isFallbackAdapter ? 20_000 : 100_000;
  device = adapter.requestDevice();
  const size = count * particleBytes;
  const particles = device.createBuffer({ size, usage: { storage: true, copyDst: true } });
  device.queue().writeBuffer(particles, 0, new Uint8Array(beginnings().buffer));
  return particles;
}

/** All that lies on the GPU. A driver may lose it at any time; then it is made anew. */
function prepare(): void {
  const particles = begin();
  // For the next version of this program, where it is swapped while it runs.
  keepDevice("device", device);
  keepBuffer("particles", particles);
  queue = device.queue();
  canvas.configure({ device });
  const module = device.createShaderModule({ code: shader });
  settings = device.createBuffer({ size: settingsBytes, usage: { uniform: true, copyDst: true } });
  advance = device.createComputePipeline({ compute: { module, entryPoint: "advance" } });
  draw = device.createRenderPipeline({
    vertex: { module, entryPoint: "corner" },
    fragment: {
      module,
      entryPoint: "pixel",
      targets: [
        {
          format: getPreferredCanvasFormat(),
          // Where particles meet it becomes brighter.
          blend: {
            color: { srcFactor: "src-alpha", dstFactor: "one" },
            alpha: { srcFactor: "one", dstFactor: "one" },
          },
        },
      ],
    },
  });
  const groupFor = (pipeline: GpuComputePipeline | GpuRenderPipeline) =>
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [
        { binding: 0, resource: { tag: "buffer", val: { buffer: settings } } },
        { binding: pipeline === advance ? 1 : 2, resource: { tag: "buffer", val: { buffer: particles } } },
      ],
    });
  advanceGroup = groupFor(advance);
  drawGroup = groupFor(draw);
}

/** Particles on a disc, each going around its middle. */
function beginnings(): Float32Array {
  const all = new Float32Array(count * 4);
  for (let i = 0; i < count; i++) {
    // The golden angle spreads them evenly, and the same on every machine.
    const angle = i * 2.399963;
    const radius = 0.15 + 0.75 * Math.sqrt(i / count);
    const [x, y] = [Math.cos(angle) * radius, Math.sin(angle) * radius];
    all.set([x, y, -y * 0.8, x * 0.8], i * 4);
  }
  return all;
}

function drawFrame(): void {
  const { width, height } = window.pixelSize();
  const values = [pointer.x, pointer.y, 1 / 60, height / width, count, 3.6 / height, 0, 0];
  queue.writeBuffer(settings, 0, new Uint8Array(new Float32Array(values).buffer));
  const encoder = device.createCommandEncoder();
  const moving = encoder.beginComputePass();
  moving.setPipeline(advance);
  moving.setBindGroup(0, advanceGroup);
  moving.dispatchWorkgroups(Math.ceil(count / workgroup));
  moving.end();
  const view = canvas.getCurrentTexture().createView();
  const drawing = encoder.beginRenderPass({
    colorAttachments: [
      { view, loadOp: "clear", storeOp: "store", clearValue: { r: 0.02, g: 0.02, b: 0.05, a: 1 } },
    ],
  });
  drawing.setPipeline(draw);
  drawing.setBindGroup(0, drawGroup);
  // One small triangle for each particle. Instances would do, and are very slow in software.
  drawing.draw(3 * count);
  drawing.end();
  queue.submit([encoder.finish()]);
  canvas.present();
}

export const app = {
  init(): void {
    window = Window.open("Particles", 640, 480);
    window.setResizable(true);
    canvas = new GpuCanvasContext(window);
    prepare();
  },

  event({ what }: Event): void {
    if (what.tag !== "pointer-moved") return;
    const { width, height } = window.size();
    pointer.x = ((what.val.x / width) * 2 - 1) * (width / height);
    pointer.y = 1 - (what.val.y / height) * 2;
  },

  frame(): boolean {
    if (device.lost()) prepare();
    drawFrame();
    return true;
  },
};
