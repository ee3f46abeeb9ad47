// Run by ../window.ts with DISPLAY set, since SDL reads it from the environment that a process begins with. Prints
// medians in JSON: milliseconds a frame of the component and of the same drawing in TypeScript, turn by turn.
//   bun screen.ts COMPONENT
import { readFileSync } from "node:fs";
import { limits } from "../../src/base/limits.ts";
import { Live } from "../../src/host/live.ts";
import { type LinkedPlan, link } from "../../src/host/plan.ts";
import { framebuffer } from "../../src/providers/framebuffer/framebuffer.ts";
import { wasi } from "../../src/providers/wasi/index.ts";
import { begin, drive } from "../../src/providers/window/drive.ts";
import { draw } from "../../src/providers/window/picture.ts";
import { sdlScreen } from "../../src/providers/window/sdl/screen.ts";
import { windowProvider } from "../../src/providers/window/window.ts";
import { noGrants } from "../../src/trust/grants.ts";
import { verify } from "../../src/trust/verify.ts";
import { interleave } from "../measure.ts";

const frames = 150;
const sink = { write() {}, flush() {}, isTerminal: false };
const stdio = { stdin: { read: () => undefined, isTerminal: false }, stdout: sink, stderr: sink };

/** As `loop run` has it, metered for a frame that never returns; the window's opening is not counted. */
const component = async (plan: LinkedPlan): Promise<number> => {
  const instance = await plan.instantiate({
    component: { identifier: "xor.wasm", digest: plan.component.digest },
    args: ["xor", String(frames)],
    grants: noGrants,
    stdio,
    limits: { callMsMax: limits.windowCallMsMax },
    onDrop() {},
  });
  const startMs = performance.now();
  await begin(instance);
  const contract = { name: undefined, imports: new Map(), exports: plan.world.exports };
  await drive(new Live({ place: "application", contract, waits: true }, plan, instance));
  const ms = performance.now() - startMs;
  instance.drop();
  return ms / frames;
};

/** By hand in TypeScript: straight into the pixels of the window, or into a picture that is shown as a guest's is. */
const direct = (straight: boolean): number => {
  const startMs = performance.now();
  const screen = sdlScreen(undefined);
  const window = screen.open("xor", { width: 800, height: 600 }, () => {});
  const own = new Int32Array(800 * 600);
  const bytes = new Uint8Array(own.buffer);
  for (let t = 0; t < frames; t++) {
    screen.poll();
    const canvas = window.canvas();
    const { pixels, pitch } = straight ? canvas : { pixels: own, pitch: 800 };
    for (let y = 0; y < 600; y++) {
      let at = y * pitch;
      for (let x = 0; x < 800; x++) pixels[at++] = Math.imul((x + t) ^ (y - t), 0x010203);
    }
    if (!straight) draw({ pixels: bytes, width: 800, height: 600, stride: 3200, order: "rgba" }, canvas);
    window.show();
  }
  window.close();
  screen.close();
  return (performance.now() - startMs) / frames;
};

const bytes = readFileSync(process.argv[2]!);
const plan = await link(verify("xor.wasm", bytes), { providers: [wasi, windowProvider, framebuffer] });
const medians = await interleave(
  [
    { name: "component", once: () => component(plan) },
    { name: "picture", once: () => direct(false) },
    { name: "straight", once: () => direct(true) },
  ],
  { rounds: 9, warm: 2 },
);
console.log(JSON.stringify(Object.fromEntries(medians)));
