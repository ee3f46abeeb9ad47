import { GpuCanvasContext, getPreferredCanvasFormat } from "loop:gfx/surface";
import {
  type GpuBindGroup,
  type GpuBuffer,
  type GpuDevice,
  type GpuQueue,
  type GpuRenderPipeline,
  requestAdapter,
} from "loop:gfx/webgpu";
import type { Event } from "loop:window/events";
import { Window } from "loop:window/windows";
import { Pass } from "./pass.ts";
import { shader } from "./shader.ts";

// What lives as long as the program. A window that nothing holds is closed.
let window: Window;
let canvas: GpuCanvasContext;
let device: GpuDevice;
let queue: GpuQueue;
let pipeline: GpuRenderPipeline;
/** What the shader knows of the scene: `Scene` there, eight numbers with its padding. */
let scene: GpuBuffer;
let group: GpuBindGroup;
const pointer = { x: 0, y: 0 };

/** All that lies on the GPU. A driver may lose it at any time; then it is made anew. */
function prepare(): void {
  device = requestAdapter().requestDevice();
  queue = device.queue();
  canvas.configure({ device });
  const module = device.createShaderModule({ code: shader });
  pipeline = device.createRenderPipeline({
    vertex: { module, entryPoint: "corner" },
    fragment: { module, entryPoint: "pixel", targets: [{ format: getPreferredCanvasFormat() }] },
  });
  scene = device.createBuffer({ size: 32, usage: { uniform: true, copyDst: true } });
  group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { tag: "buffer", val: { buffer: scene } } }],
  });
}

function draw(seconds: number): void {
  const { width, height } = window.pixelSize();
  const values = new Float32Array([width, height, pointer.x, pointer.y, seconds, 0, 0, 0]);
  queue.writeBuffer(scene, 0, new Uint8Array(values.buffer));
  const encoder = device.createCommandEncoder();
  const view = canvas.getCurrentTexture().createView();
  const colour = { view, loadOp: "clear", storeOp: "store" } as const;
  const pass = new Pass(encoder.beginRenderPass({ colorAttachments: [colour] }));
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.draw(3);
  pass.end();
  queue.submit([encoder.finish()]);
  canvas.present();
}

export const app = {
  /** Opens the windows. The program ends when the last one is closed. */
  init(): void {
    window = Window.open("{{name}}", 640, 480);
    window.setResizable(true);
    canvas = new GpuCanvasContext(window);
    pointer.x = 320;
    pointer.y = 240;
    prepare();
  },

  event({ what }: Event): void {
    if (what.tag !== "pointer-moved") return;
    pointer.x = what.val.x * window.scale();
    pointer.y = what.val.y * window.scale();
  },

  /** True: something moves, and the next frame is wanted. */
  frame(time: number): boolean {
    if (device.lost()) prepare();
    draw(time);
    return true;
  },
};
