import { GpuCanvasContext, getPreferredCanvasFormat } from "loop:gfx/surface";
import { type GpuDevice, type GpuRenderPipeline, requestAdapter } from "loop:gfx/webgpu";
import { Window } from "loop:window/windows";

const shader = `
struct Corner { @builtin(position) at: vec4f, @location(0) colour: vec3f }

@vertex fn corner(@builtin(vertex_index) i: u32) -> Corner {
  let at = array(vec2f(0, 0.7), vec2f(-0.7, -0.6), vec2f(0.7, -0.6));
  let colour = array(vec3f(1, 0.4, 0.3), vec3f(0.3, 0.9, 0.5), vec3f(0.3, 0.5, 1));
  return Corner(vec4f(at[i], 0, 1), colour[i]);
}

@fragment fn pixel(corner: Corner) -> @location(0) vec4f { return vec4f(corner.colour, 1); }
`;

// What lives as long as the program. A window that nothing holds is closed.
let window: Window;
let canvas: GpuCanvasContext;
let device: GpuDevice;
let pipeline: GpuRenderPipeline;

/** All that lies on the GPU. A driver may lose it at any time; then it is made anew. */
function prepare(): void {
  device = requestAdapter().requestDevice();
  canvas.configure({ device });
  const module = device.createShaderModule({ code: shader });
  const format = getPreferredCanvasFormat();
  pipeline = device.createRenderPipeline({
    vertex: { module, entryPoint: "corner" },
    fragment: { module, entryPoint: "pixel", targets: [{ format }] },
  });
}

export const app = {
  init(): void {
    window = Window.open("Triangle", 480, 360);
    window.setResizable(true);
    canvas = new GpuCanvasContext(window);
    prepare();
  },

  event(): void {},

  frame(): boolean {
    if (device.lost()) prepare();
    const encoder = device.createCommandEncoder();
    const view = canvas.getCurrentTexture().createView();
    const pass = encoder.beginRenderPass({
      colorAttachments: [
        { view, loadOp: "clear", storeOp: "store", clearValue: { r: 0.05, g: 0.06, b: 0.1, a: 1 } },
      ],
    });
    pass.setPipeline(pipeline);
    pass.draw(3);
    pass.end();
    device.queue().submit([encoder.finish()]);
    canvas.present();
    // Nothing moves: no frame until something happens.
    return false;
  },
};
