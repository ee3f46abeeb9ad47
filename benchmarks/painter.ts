import { completed } from "../src/builders/wit.ts";
import { wasmTools } from "../src/contract/tools.ts";
import { wordsEscaped } from "../src/contract/wit/names.ts";
import { chooseWorld } from "../src/contract/wit.ts";

// A guest that draws with loop:gfx, in WAT so that nothing but the border between host and guest is in the numbers: a
// triangle in a window, and a pass of many draws. Its descriptors lie in memory as the canonical ABI has them, placed
// by the few rules below.

interface Layout {
  readonly size: number;
  readonly align: number;
  /** Writes what is given at a place; nothing is zeros, which is none for an option. */
  put(at: number, value: unknown, memory: DataView): void;
}

const up = (at: number, align: number): number => Math.ceil(at / align) * align;

const number = (
  size: 1 | 2 | 4 | 8,
  write: (memory: DataView, at: number, value: number) => void,
): Layout => ({
  size,
  align: size,
  put: (at, value, memory) => write(memory, at, value as number),
});
const u8 = number(1, (memory, at, value) => memory.setUint8(at, value));
const u32 = number(4, (memory, at, value) => memory.setUint32(at, value, true));
const f64 = number(8, (memory, at, value) => memory.setFloat64(at, value, true));
/** A pointer and a length: of a string or a list that lies elsewhere. */
const pair: Layout = {
  size: 8,
  align: 4,
  put(at, value, memory) {
    const [pointer, length] = value as [number, number];
    memory.setUint32(at, pointer, true);
    memory.setUint32(at + 4, length, true);
  },
};
const option = (inner: Layout): Layout => ({
  align: inner.align,
  size: up(inner.align + inner.size, inner.align),
  put(at, value, memory) {
    if (value === undefined) return;
    memory.setUint8(at, 1);
    inner.put(at + inner.align, value, memory);
  },
});
const record = (fields: Readonly<Record<string, Layout>>): Layout & { at(name: string): number } => {
  const places = new Map<string, number>();
  let end = 0;
  let align = 1;
  for (const [name, field] of Object.entries(fields)) {
    places.set(name, up(end, field.align));
    end = places.get(name)! + field.size;
    align = Math.max(align, field.align);
  }
  return {
    size: up(end, align),
    align,
    at: (name) => places.get(name)!,
    put(at, value, memory) {
      for (const [name, inner] of Object.entries(value as Record<string, unknown>))
        fields[name]!.put(at + places.get(name)!, inner, memory);
    },
  };
};

const stage = { module: u32, entryPoint: option(pair), constants: option(pair) };
const target = record({
  format: u8,
  blend: option(
    record({
      colour: record({ o: option(u8), s: option(u8), d: option(u8) }),
      alpha: record({ o: option(u8), s: option(u8), d: option(u8) }),
    }),
  ),
  writeMask: option(u8),
});
const face = record({ c: option(u8), f: option(u8), d: option(u8), p: option(u8) });
const pipeline = record({
  device: u32,
  layout: option(u32),
  vertex: record({ ...stage, buffers: option(pair) }),
  primitive: option(record({ t: option(u8), i: option(u8), f: option(u8), c: option(u8), u: option(u8) })),
  depth: option(
    record({
      format: u8,
      write: option(u8),
      compare: option(u8),
      front: option(face),
      back: option(face),
      read: option(u32),
      mask: option(u32),
      bias: option(u32),
      slope: option(u32),
      clamp: option(u32),
    }),
  ),
  multisample: option(record({ count: option(u32), mask: option(u32), alpha: option(u8) })),
  fragment: option(record({ ...stage, targets: pair })),
  label: option(pair),
});
const attachment = record({
  view: u32,
  slice: option(u32),
  resolve: option(u32),
  clear: option(record({ r: f64, g: f64, b: f64, a: f64 })),
  load: u8,
  store: u8,
});
const clearOption = option(attachment);
const timestamps = record({ set: u32, begin: option(u32), end: option(u32) });
const depthAttachment = record({
  view: u32,
  clear: option(u32),
  load: option(u8),
  store: option(u8),
  only: option(u8),
  stencil: option(u32),
  sload: option(u8),
  sstore: option(u8),
  sonly: option(u8),
});
const passBegin = record({
  encoder: u32,
  attachments: pair,
  depth: option(depthAttachment),
  occlusion: option(u32),
  timestamps: option(timestamps),
  label: option(pair),
});
const groupEntry = record({
  binding: u32,
  resource: record({ tag: u8, buffer: u32, offset: option(u32), size: option(u32) }),
});

const shader = `struct U { at: vec4f } @group(0) @binding(0) var<uniform> u: U;
@vertex fn v(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
  let p = array(vec2f(0, 0.7), vec2f(-0.7, -0.6), vec2f(0.7, -0.6)); return vec4f(p[i] * u.at.z + u.at.xy, 0, 1); }
@fragment fn f() -> @location(0) vec4f { return vec4f(1, 0.5, 0.2, 1); }`;
export const painterShader = shader;

/** bgra8unorm, in the order of gpu-texture-format. */
const bgra8unorm = 22;

// Where things lie: what has zeros is written by the guest as handles come.
const places = {
  answer: 64,
  shader: 1024,
  pipeline: 4096,
  target: 8192,
  view: 8448,
  pass: 8704,
  attachment: 9216,
  entry: 9728,
  title: 9984,
  buffers: 10_240,
  offset: 10_496,
};

const memoryOf = (): Uint8Array => {
  const bytes = new Uint8Array(16_384);
  const memory = new DataView(bytes.buffer);
  const text = new TextEncoder();
  bytes.set(text.encode(shader), places.shader);
  bytes.set(text.encode("painter"), places.title);
  clearOptionTarget(memory);
  pipeline.put(places.pipeline, { fragment: { targets: [places.target, 1] }, vertex: {} }, memory);
  clearOption.put(places.attachment, { clear: { r: 0, g: 0, b: 0.2, a: 1 }, load: 1, store: 0 }, memory);
  passBegin.put(places.pass, { attachments: [places.attachment, 1] }, memory);
  groupEntry.put(places.entry, { binding: 0, resource: { tag: 0, size: 16 } }, memory);
  return bytes;
};

const clearOptionTarget = (memory: DataView): void =>
  option(target).put(places.target, { format: bgra8unorm }, memory);

const wit = `package bench:painter@0.1.0;
world painter {
  import loop:gfx/webgpu@0.1.0;
  import loop:gfx/surface@0.1.0;
  import loop:window/windows@0.1.0;
  export prepare: func();
  export frame: func();
  export draws: func(count: u32);
  export wait: func();
}`;

const core = (): string => {
  const hex = [...memoryOf()].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
  const gfx = (name: string, type: string, as: string) =>
    `(import "loop:gfx/webgpu@0.1.0" "${name}" (func $${as} ${type}))`;
  const params = (count: number, result = false) =>
    `(param ${"i32 ".repeat(count)})${result ? " (result i32)" : ""}`;
  const zeros = (count: number) => "(i32.const 0) ".repeat(count);
  const fragment = places.pipeline + pipeline.at("fragment") + 4;
  const vertex = places.pipeline + pipeline.at("vertex");
  const drops = [
    "gpu-render-pass-encoder",
    "gpu-command-encoder",
    "gpu-command-buffer",
    "gpu-texture-view",
    "gpu-texture",
  ];
  return `(module
  ${gfx("request-adapter", params(5, true), "adapter")}
  ${gfx("[method]gpu-adapter.request-device", params(14), "device")}
  ${gfx("[method]gpu-device.queue", params(1, true), "queue")}
  ${gfx("[method]gpu-device.create-shader-module", params(6, true), "module")}
  ${gfx("[method]gpu-device.create-buffer", params(9), "buffer")}
  ${gfx("[method]gpu-device.create-render-pipeline", params(1, true), "pipeline")}
  ${gfx("[method]gpu-render-pipeline.get-bind-group-layout", params(2, true), "layout")}
  ${gfx("[method]gpu-device.create-bind-group", params(7, true), "group")}
  ${gfx("[method]gpu-device.create-command-encoder", params(5, true), "encoder")}
  ${gfx("[method]gpu-texture.create-view", params(1, true), "view")}
  ${gfx("[method]gpu-command-encoder.begin-render-pass", params(1, true), "pass")}
  ${gfx("[method]gpu-render-pass-encoder.set-pipeline", params(2), "set-pipeline")}
  ${gfx("[method]gpu-render-pass-encoder.set-bind-group", params(7), "set-group")}
  ${gfx("[method]gpu-render-pass-encoder.draw", params(8), "draw")}
  ${gfx("[method]gpu-render-pass-encoder.end", params(1), "end")}
  ${gfx("[method]gpu-command-encoder.finish", params(1, true), "finish")}
  ${gfx("[method]gpu-render-pass-encoder.set-scissor-rect", params(5), "scissor")}
  ${gfx("[method]gpu-queue.submit", params(3), "submit")}
  ${gfx("[method]gpu-queue.on-submitted-work-done", params(1), "done")}
  ${gfx("[method]gpu-queue.write-buffer", "(param i32 i32 i32 i32 i32 i32)", "write")}
  ${drops.map((name) => gfx(`[resource-drop]${name}`, params(1), `drop-${name}`)).join("\n  ")}
  (import "loop:gfx/surface@0.1.0" "[constructor]gpu-canvas-context" (func $canvas ${params(1, true)}))
  (import "loop:gfx/surface@0.1.0" "[method]gpu-canvas-context.configure" (func $configure ${params(9)}))
  (import "loop:gfx/surface@0.1.0" "[method]gpu-canvas-context.get-current-texture" (func $texture ${params(1, true)}))
  (import "loop:gfx/surface@0.1.0" "[method]gpu-canvas-context.present" (func $present ${params(1)}))
  (import "loop:window/windows@0.1.0" "[static]window.open" (func $open ${params(5)}))
  (memory (export "memory") 4)
  (data (i32.const 0) "${hex}")
  (global $next (mut i32) (i32.const 65536))
  (global $d (mut i32) (i32.const 0)) (global $q (mut i32) (i32.const 0)) (global $p (mut i32) (i32.const 0))
  (global $c (mut i32) (i32.const 0)) (global $g (mut i32) (i32.const 0))
  (global $t (mut i32) (i32.const 0)) (global $v (mut i32) (i32.const 0)) (global $e (mut i32) (i32.const 0))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
    (global.set $next (i32.add (local.get $at) (local.get 3))) (local.get $at))
  (func $answer (result i32) (i32.load offset=4 (i32.const ${places.answer})))
  (func (export "prepare") (local $m i32) (local $b i32)
    (call $device (call $adapter ${zeros(5)}) ${zeros(12)} (i32.const ${places.answer}))
    (global.set $d (call $answer))
    (global.set $q (call $queue (global.get $d)))
    (local.set $m (call $module (global.get $d) (i32.const ${places.shader}) (i32.const ${shader.length}) ${zeros(3)}))
    (i32.store (i32.const ${places.pipeline}) (global.get $d))
    (i32.store (i32.const ${vertex}) (local.get $m))
    (i32.store (i32.const ${fragment}) (local.get $m))
    (global.set $p (call $pipeline (i32.const ${places.pipeline})))
    ;; 64 KiB, uniform and copy-dst
    (call $buffer (global.get $d) (i32.const 65536) (i32.const 72) ${zeros(5)} (i32.const ${places.answer}))
    (local.set $b (call $answer))
    ;; one and a half for the size of the triangle at its first place
    (f32.store (i32.const ${places.buffers + 8}) (f32.const 1))
    (call $write (global.get $q) (local.get $b) (i32.const 0) (i32.const ${places.buffers}) (i32.const 16) (i32.const ${places.answer}))
    (i32.store (i32.const ${places.entry + groupEntry.at("resource") + 4}) (local.get $b))
    (global.set $g (call $group (global.get $d) (call $layout (global.get $p) (i32.const 0)) (i32.const ${places.entry}) (i32.const 1) ${zeros(3)}))
    (call $open (i32.const ${places.title}) (i32.const 7) (i32.const 800) (i32.const 600) (i32.const ${places.answer}))
    (global.set $c (call $canvas (call $answer)))
    (call $configure (global.get $c) (global.get $d) ${zeros(7)}))
  (func $begin (result i32)
    (global.set $t (call $texture (global.get $c)))
    (i32.store (i32.const ${places.view}) (global.get $t))
    (global.set $v (call $view (i32.const ${places.view})))
    (global.set $e (call $encoder (global.get $d) ${zeros(4)}))
    (i32.store (i32.const ${places.pass}) (global.get $e))
    (i32.store (i32.const ${places.attachment + clearOption.align}) (global.get $v))
    (call $pass (i32.const ${places.pass})))
  (func $end-all (param $pass i32) (local $b i32)
    (call $end (local.get $pass))
    (local.set $b (call $finish (global.get $e)))
    (i32.store (i32.const ${places.answer}) (local.get $b))
    (call $submit (global.get $q) (i32.const ${places.answer}) (i32.const 1))
    (call $drop-gpu-render-pass-encoder (local.get $pass))
    (call $drop-gpu-command-encoder (global.get $e))
    (call $drop-gpu-command-buffer (local.get $b))
    (call $drop-gpu-texture-view (global.get $v))
    (call $drop-gpu-texture (global.get $t)))
  (func (export "frame") (local $pass i32)
    (local.set $pass (call $begin))
    (call $set-pipeline (local.get $pass) (global.get $p))
    (call $set-group (local.get $pass) (i32.const 0) (i32.const 1) (global.get $g) ${zeros(3)})
    (call $draw (local.get $pass) (i32.const 3) ${zeros(6)})
    (call $end-all (local.get $pass))
    (call $present (global.get $c)))
  (func (export "draws") (param $count i32) (local $pass i32)
    (local.set $pass (call $begin))
    (call $set-pipeline (local.get $pass) (global.get $p))
    (call $scissor (local.get $pass) ${zeros(2)} (i32.const 8) (i32.const 8))
    (loop $again
      (call $set-group (local.get $pass) (i32.const 0) (i32.const 1) (global.get $g) ${zeros(3)})
      (call $draw (local.get $pass) (i32.const 3) ${zeros(6)})
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (call $end-all (local.get $pass)))
  (func (export "wait") (call $done (global.get $q)))
)`;
};

export const painter = async (): Promise<Uint8Array> => {
  const tools = await wasmTools();
  const { composed, world } = chooseWorld(await completed(new Map([["wit/world.wit", wit]])), "painter");
  const module = await tools.parse(core());
  return tools.componentNew(
    await tools.componentEmbed({ wit: composed.text, world: wordsEscaped(world), core: module }),
  );
};
