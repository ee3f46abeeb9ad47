import { GpuCanvasContext } from "loop:gfx/surface@0.1.0";
import { requestAdapter } from "loop:gfx/webgpu@0.1.0";
import { Window } from "loop:window/windows@0.1.0";
import { Pass } from "../../../templates/gpu/src/pass.ts";

let canvas;
let device;
let queue;
let pipeline;
let group;

export function prepare(code) {
  device = requestAdapter().requestDevice();
  queue = device.queue();
  canvas = new GpuCanvasContext(Window.open("draws", 800, 600));
  canvas.configure({ device });
  const module = device.createShaderModule({ code });
  pipeline = device.createRenderPipeline({
    vertex: { module },
    fragment: { module, targets: [{ format: "bgra8unorm" }] },
  });
  const buffer = device.createBuffer({ size: 65_536, usage: { uniform: true, copyDst: true } });
  queue.writeBuffer(buffer, 0, new Uint8Array(Float32Array.of(0, 0, 1, 0).buffer));
  const resource = { tag: "buffer", val: { buffer, size: 16 } };
  group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource }],
  });
}

const draws = (count, passOf) => {
  const encoder = device.createCommandEncoder();
  const view = canvas.getCurrentTexture().createView();
  const clearValue = { r: 0, g: 0, b: 0.2, a: 1 };
  const begun = encoder.beginRenderPass({
    colorAttachments: [{ view, loadOp: "clear", storeOp: "store", clearValue }],
  });
  begun.setScissorRect(0, 0, 8, 8);
  const pass = passOf(begun);
  pass.setPipeline(pipeline);
  for (let at = 0; at < count; at++) {
    pass.setBindGroup(0, group);
    pass.draw(3);
  }
  pass.end();
  queue.submit([encoder.finish()]);
};

export const plain = (count) => draws(count, (pass) => pass);
export const recorded = (count) => draws(count, (pass) => new Pass(pass));
export const wait = () => queue.onSubmittedWorkDone();
