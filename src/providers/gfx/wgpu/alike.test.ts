import { afterAll, expect, test } from "bun:test";
import type { GpuDevice } from "../device.ts";
import { dawns, device, drawWith, usage } from "../fixture.ts";

// The same program with both Dawns: a structure that lies otherwise than C has it shows as another picture. The program
// uses every descriptor that has fields, with values that are not their defaults.

afterAll(() => drawWith(undefined));

const size = { width: 32, height: 32 };

const shader = `
struct In { @location(0) at: vec2f, @location(1) shift: vec2f, @location(2) depth: f32 }
struct Out { @builtin(position) at: vec4f, @location(0) uv: vec2f, @location(1) @interpolate(flat) layer: u32 }
override scale: f32 = 1;
override strength: f32 = 0;
@group(0) @binding(0) var<uniform> tint: vec4f;
@group(0) @binding(1) var linear: sampler;
@group(0) @binding(2) var picture: texture_2d_array<f32>;
@group(0) @binding(3) var near: sampler_comparison;
@group(0) @binding(4) var shadow: texture_depth_2d;
@vertex fn corner(in: In, @builtin(instance_index) i: u32) -> Out {
  return Out(vec4f(in.at * scale + in.shift, in.depth, 1), in.at * 2.5 + 0.3, i & 1);
}
@fragment fn pixel(in: Out) -> @location(1) vec4f {
  let lit = textureSampleCompare(shadow, near, fract(in.uv), 0.5);
  let colour = textureSample(picture, linear, in.uv, in.layer);
  return vec4f((colour.rgb * tint.rgb * (0.25 + 0.75 * lit)) * strength, 0.75);
}`;

const draw = async (gpu: GpuDevice): Promise<readonly (readonly number[])[]> => {
  const queue = gpu.queue();
  const buffer = (bytes: ArrayBufferView, ...names: string[]) => {
    const made = gpu.createBuffer({ size: bytes.byteLength, usage: usage(...names, "copyDst") });
    queue.writeBuffer(made, 0, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    return made;
  };
  const target = (format: string, sampleCount: number, ...names: string[]) =>
    gpu.createTexture({ size, format, sampleCount, usage: usage("renderAttachment", ...names) });

  // A picture of two layers and two sizes, one written by the queue and one copied from a buffer.
  const picture = gpu.createTexture({
    size: { width: 8, height: 8, depthOrArrayLayers: 2 },
    format: "rgba8unorm",
    mipLevelCount: 2,
    viewFormats: ["rgba8unorm-srgb"],
    usage: usage("textureBinding", "copyDst"),
  });
  const texels = Uint8Array.from({ length: 2 * 8 * 8 * 4 }, (_, i) => (i * 37) & 255);
  queue.writeTexture({ texture: picture } as never, texels, { bytesPerRow: 32, rowsPerImage: 8 }, size8);
  const rows = buffer(
    Uint8Array.from({ length: 2048 + 64 }, (_, i) => (i * 91) & 255),
    "copySrc",
  );
  const shadow = gpu.createTexture({
    size,
    format: "depth32float",
    usage: usage("renderAttachment", "textureBinding"),
  });

  const layout = gpu.createBindGroupLayout({
    entries: [
      {
        binding: 0,
        visibility: usage("fragment"),
        buffer: { type: "uniform", hasDynamicOffset: true, minBindingSize: 16n },
      },
      { binding: 1, visibility: usage("fragment"), sampler: { type: "filtering" } },
      {
        binding: 2,
        visibility: usage("fragment"),
        texture: { sampleType: "float", viewDimension: "d2-array" },
      },
      { binding: 3, visibility: usage("fragment"), sampler: { type: "comparison" } },
      { binding: 4, visibility: usage("fragment"), texture: { sampleType: "depth" } },
    ],
  });
  const tints = new Float32Array(64 + 4);
  tints.set([0.2, 1, 0.4, 1], 64);
  const group = gpu.createBindGroup({
    layout,
    entries: [
      { binding: 0, resource: { tag: "buffer", val: { buffer: buffer(tints, "uniform"), size: 16n } } },
      {
        binding: 1,
        resource: {
          tag: "sampler",
          val: gpu.createSampler({
            addressModeU: "mirror-repeat",
            addressModeV: "repeat",
            magFilter: "linear",
            minFilter: "linear",
            mipmapFilter: "nearest",
            lodMinClamp: 0.25,
            lodMaxClamp: 3,
            maxAnisotropy: 1,
          }),
        },
      },
      {
        binding: 2,
        resource: {
          tag: "texture-view",
          val: picture.createView({
            format: "rgba8unorm-srgb",
            dimension: "d2-array",
            baseMipLevel: 0,
            mipLevelCount: 2,
            baseArrayLayer: 0,
            arrayLayerCount: 2,
            aspect: "all",
          } as never),
        },
      },
      { binding: 3, resource: { tag: "sampler", val: gpu.createSampler({ compare: "greater" }) } },
      { binding: 4, resource: { tag: "texture-view", val: shadow.createView() } },
    ],
  } as never);
  const module = gpu.createShaderModule({ code: shader });
  const depthFormat = "depth24plus-stencil8";
  const pipeline = gpu.createRenderPipeline({
    layout: { tag: "specific", val: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }) },
    vertex: {
      module,
      entryPoint: "corner",
      constants: [["scale", 0.8]],
      buffers: [
        { arrayStride: 12n, attributes: [{ format: "float32x2", offset: 4n, shaderLocation: 0 }] },
        undefined,
        {
          arrayStride: 12n,
          stepMode: "instance",
          attributes: [
            { format: "float32x2", offset: 0n, shaderLocation: 1 },
            { format: "float32", offset: 8n, shaderLocation: 2 },
          ],
        },
      ],
    },
    primitive: { topology: "triangle-strip", stripIndexFormat: "uint16", frontFace: "cw", cullMode: "back" },
    depthStencil: {
      format: depthFormat,
      depthWriteEnabled: true,
      depthCompare: "less",
      stencilFront: { compare: "not-equal", failOp: "zero", depthFailOp: "invert", passOp: "increment-wrap" },
      stencilBack: { compare: "always", passOp: "replace" },
      stencilReadMask: 0x0f,
      stencilWriteMask: 0xff,
      depthBias: 2,
      depthBiasSlopeScale: 0.5,
      depthBiasClamp: 0.01,
    },
    multisample: { count: 4, mask: 0xd, alphaToCoverageEnabled: false },
    fragment: {
      module,
      entryPoint: "pixel",
      constants: [["strength", 0.9]],
      targets: [
        undefined,
        {
          format: "rgba8unorm",
          writeMask: usage("red", "green", "alpha"),
          blend: {
            color: { operation: "add", srcFactor: "constant", dstFactor: "one-minus-src-alpha" },
            alpha: { operation: "reverse-subtract", srcFactor: "one", dstFactor: "one" },
          },
        },
      ],
    },
  });
  const [many, resolved, depth] = [
    target("rgba8unorm", 4),
    target("rgba8unorm", 1, "copySrc"),
    target(depthFormat, 4),
  ];
  const queries = gpu.createQuerySet({ type: "occlusion", count: 3 });
  const counted = buffer(new BigUint64Array(32), "queryResolve", "copySrc");
  const corners = Float32Array.of(9, -1, -1, 9, -1, 1, 9, 1, -1, 9, 1, 1);
  const places = Float32Array.of(-0.3, 0, 0.4, 0.3, 0.2, 0.3, 0.1, -0.4, 0.2);

  const encoder = gpu.createCommandEncoder({ label: "all" });
  encoder.copyBufferToTexture(
    { buffer: rows, offset: 64n, bytesPerRow: 256, rowsPerImage: 8 } as never,
    { texture: picture, mipLevel: 1, origin: { x: 0, y: 0, z: 1 } } as never,
    { width: 4, height: 4 },
  );
  const lights = encoder.beginRenderPass({
    colorAttachments: [],
    depthStencilAttachment: {
      view: shadow.createView(),
      depthLoadOp: "clear",
      depthStoreOp: "store",
      depthClearValue: 0.25,
    },
  });
  lights.end();
  const pass = encoder.beginRenderPass({
    colorAttachments: [
      undefined,
      {
        view: many.createView(),
        resolveTarget: resolved.createView(),
        loadOp: "clear",
        storeOp: "discard",
        clearValue: { r: 0.1, g: 0.2, b: 0.3, a: 0.4 },
      },
    ],
    depthStencilAttachment: {
      view: depth.createView(),
      depthLoadOp: "clear",
      depthStoreOp: "discard",
      depthClearValue: 0.5,
      stencilLoadOp: "clear",
      stencilStoreOp: "discard",
      stencilClearValue: 3,
    },
    occlusionQuerySet: queries,
  });
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group, Uint32Array.of(256));
  pass.setVertexBuffer(0, buffer(corners, "vertex"));
  pass.setVertexBuffer(2, buffer(places, "vertex"), 0n, 36n);
  pass.setIndexBuffer(buffer(Uint16Array.of(7, 7, 0, 1, 2, 3), "index"), "uint16", 4n, 8n);
  pass.setViewport(1, 2, 30, 28, 0.1, 0.9);
  pass.setScissorRect(2, 1, 29, 30);
  pass.setBlendConstant({ r: 0.9, g: 0.8, b: 0.7, a: 0.6 });
  pass.setStencilReference(1);
  pass.beginOcclusionQuery(1);
  pass.drawIndexed(4, 2, 0, 0, 0);
  pass.endOcclusionQuery();
  pass.setStencilReference(4);
  pass.beginOcclusionQuery(2);
  pass.drawIndexedIndirect(buffer(Uint32Array.of(0, 4, 3, 0, 0, 0), "indirect"), 4n);
  pass.endOcclusionQuery();
  pass.end();
  encoder.resolveQuerySet(queries, 1, 2, counted, 0n);
  const out = gpu.createBuffer({ size: 32 * 256, usage: usage("mapRead", "copyDst") });
  const numbers = gpu.createBuffer({ size: 32, usage: usage("mapRead", "copyDst") });
  encoder.copyTextureToBuffer({ texture: resolved }, { buffer: out, bytesPerRow: 256 } as never, size);
  encoder.copyBufferToBuffer(counted, 0n, numbers, 0n, 32n);
  encoder.clearBuffer(numbers, 16n, 8n);
  queue.submit([encoder.finish({ label: "done" })]);
  const pixels = await out.read();
  const counts = new BigUint64Array((await numbers.read()).slice().buffer);
  return [[...pixels], [...counts].map((count) => (count > 0n ? 1 : 0))];
};

const size8 = { width: 8, height: 8, depthOrArrayLayers: 2 };

test("a program that uses every descriptor draws the same picture with both", async () => {
  const drawn = [];
  for (const [, dawn] of dawns) {
    drawWith(dawn);
    drawn.push(await draw(await device()));
  }
  const [[pixels, counts], other] = drawn as [number[][], number[][]];
  // It shows something: what was cleared, and many colours besides.
  expect(
    new Set(
      Array.from({ length: 1024 }, (_, i) =>
        pixels!
          .slice((i >> 5) * 256 + (i & 31) * 4)
          .slice(0, 3)
          .join(),
      ),
    ).size,
  ).toBeGreaterThan(50);
  expect(counts).toContain(1);
  expect(other).toEqual([pixels!, counts!]);
});

test("a storage texture, overrides, and indirect work of a compute pass are the same with both", async () => {
  const code = `
override more: u32 = 0;
@group(0) @binding(0) var<storage, read> given: array<u32>;
@group(0) @binding(1) var<storage, read_write> sum: array<atomic<u32>>;
@group(0) @binding(2) var into: texture_storage_2d<rgba8unorm, write>;
@compute @workgroup_size(4, 2, 1) fn main(@builtin(global_invocation_id) id: vec3u) {
  atomicAdd(&sum[id.z], given[id.x] + more);
  textureStore(into, id.xy, vec4f(f32(id.x) / 8, f32(id.y) / 4, 0.5, 1));
}`;
  const answers = [];
  for (const [, dawn] of dawns) {
    drawWith(dawn);
    const gpu = await device();
    const queue = gpu.queue();
    const given = gpu.createBuffer({ size: 32, usage: usage("storage", "copyDst") });
    queue.writeBuffer(given, 0, new Uint8Array(Uint32Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer));
    const sum = gpu.createBuffer({ size: 16, usage: usage("storage", "copySrc") });
    const work = gpu.createBuffer({ size: 16, usage: usage("indirect", "copyDst") });
    queue.writeBuffer(work, 0, new Uint8Array(Uint32Array.of(0, 2, 2, 3).buffer));
    const into = gpu.createTexture({
      size: { width: 8, height: 4 },
      format: "rgba8unorm",
      usage: usage("storageBinding", "copySrc"),
    });
    const layout = gpu.createBindGroupLayout({
      entries: [
        { binding: 0, visibility: usage("compute"), buffer: { type: "read-only-storage" } },
        { binding: 1, visibility: usage("compute"), buffer: { type: "storage" } },
        {
          binding: 2,
          visibility: usage("compute"),
          storageTexture: { access: "write-only", format: "rgba8unorm", viewDimension: "d2" },
        },
      ],
    });
    const pipeline = await gpu.createComputePipelineAsync({
      layout: { tag: "specific", val: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }) },
      compute: { module: gpu.createShaderModule({ code }), entryPoint: "main", constants: [["more", 10]] },
    });
    const group = gpu.createBindGroup({
      layout,
      entries: [
        { binding: 0, resource: { tag: "buffer", val: { buffer: given } } },
        { binding: 1, resource: { tag: "buffer", val: { buffer: sum } } },
        { binding: 2, resource: { tag: "texture-view", val: into.createView() } },
      ],
    } as never);
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroupsIndirect(work, 4n);
    pass.end();
    const out = gpu.createBuffer({ size: 16 + 4 * 256, usage: usage("mapRead", "copyDst") });
    encoder.copyTextureToBuffer({ texture: into }, { buffer: out, bytesPerRow: 256 } as never, {
      width: 8,
      height: 4,
    });
    encoder.copyBufferToBuffer(sum, 0n, out, 1024n, 16n);
    queue.submit([encoder.finish()]);
    answers.push([...(await out.read())]);
  }
  const sums = new Uint32Array(Uint8Array.from(answers[0]!.slice(1024)).buffer);
  // Four rows of 1 to 8 and ten more each, for each of three layers.
  expect([...sums]).toEqual([464, 464, 464, 0]);
  expect(answers[1]).toEqual(answers[0]!);
});
