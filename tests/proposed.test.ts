// What lies on the GPU by the public proposals crosses swaps: real guests, of that of 2025 in TypeScript and of that of
// 2026 in C, each of which adds one to a number that lies nowhere else; and what they have to be granted, through the
// front door. A GPU in software is enough.
import { beforeAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownCache } from "../src/base/fixture.ts";
import { c } from "../src/builders/c.ts";
import { typescript } from "../src/builders/typescript.ts";
import { completed } from "../src/builders/wit.ts";
import { Live } from "../src/host/live.ts";
import { succeeding } from "../src/host/places.ts";
import { type LinkedPlan, link } from "../src/host/plan.ts";
import type { InstanceContext } from "../src/host/provider.ts";
import { core } from "../src/providers/core/core.ts";
import { gfxProvider } from "../src/providers/gfx/gfx.ts";
import { gfx3Provider } from "../src/providers/gfx/gfx3.ts";
import { wasi } from "../src/providers/wasi/index.ts";
import { noGrants } from "../src/trust/grants.ts";
import { verify } from "../src/trust/verify.ts";
import { homeFor, root } from "./home.ts";

const fixtures = join(import.meta.dir, "fixtures/handed");
const home = homeFor("proposed", { LOOP_GPU: "software" });
ownCache();

const services = { environment: { ...process.env, LOOP_GPU: "software" } };
const providers = [wasi, core, gfxProvider(services), gfx3Provider(services)];
const granted = new Set(["wasi:webgpu", "loop:kept-webgpu"]);

const plans: Record<string, LinkedPlan> = {};
beforeAll(async () => {
  const text = readFileSync(join(fixtures, "handed.wit"), "utf8");
  const wit = await completed(new Map([["wit/handed.wit", text]]));
  for (const [world, builder, file] of [
    ["number", typescript, "number.guest.js"],
    ["number3", c, "number3.c"],
  ] as const) {
    const folder = join(home.folder, world);
    mkdirSync(join(folder, "src"), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    cpSync(join(fixtures, file), join(folder, "src", file));
    const main = `src/${file}`;
    const { component } = await builder.build({ folder, name: world, main, world, wit, settings: {} });
    writeFileSync(join(home.folder, `${world}.wasm`), component);
    plans[world] = await link(verify(`${world}.wasm`, component), { providers });
  }
}, 120_000);

const sink = { write() {}, flush() {}, isTerminal: false };

test.each([
  ["of 2025", ["number", "number"]],
  ["of 2026", ["number3", "number3"]],
  ["of 2025 and of 2026 in turn", ["number", "number3"]],
] as const)(
  "a number on the GPU goes on from one to the next, whoever fails between them, %s",
  async (_, [first, second]) => {
    const plan = plans[first]!;
    const { identifier, digest } = plan.component;
    const context: InstanceContext = {
      component: { identifier, digest },
      args: [],
      grants: { ...noGrants, capabilities: granted },
      stdio: { stdin: { read: () => undefined, isTerminal: false }, stdout: sink, stderr: sink },
      onDrop() {},
    };
    const contract = { ...plans.number!.world, imports: new Map() };
    const live = new Live({ place: "number", contract, waits: true }, plan, await plan.instantiate(context));
    const goOn = () => live.run((instance) => instance.call(undefined, "go-on", []));
    expect(await goOn()).toBe(1);
    /** Takes before the exchange, as a component does that has a start of its own. */
    const swap = async (next: LinkedPlan, capabilities: ReadonlySet<string>, fails = false) => {
      let answer: unknown;
      await live.swap(async () => ({
        plan: next,
        start: async (before) => {
          const made = await next.instantiate({
            ...succeeding(context, before),
            grants: { ...noGrants, capabilities },
          });
          try {
            answer = await made.call(undefined, "go-on", []);
            if (fails) throw new Error("It failed after it had taken");
            return made;
          } catch (error) {
            made.drop();
            throw error;
          }
        },
      }));
      return answer;
    };
    expect(await swap(plans[second]!, granted)).toBe(2);
    await expect(swap(plans[first]!, granted, true)).rejects.toThrow("It failed after it had taken");
    // It wrote before it failed, on what both have.
    expect(await swap(plans[first]!, granted)).toBe(4);
    await expect(swap(plans[second]!, new Set(["wasi:webgpu"]))).rejects.toThrow(
      "loop:kept-webgpu/gpu#take-device",
    );
    expect(await swap(plans[second]!, granted)).toBe(5);
    live.drop();
  },
  60_000,
);

test.each(["number", "number3"])(
  "%s runs with what it was granted, and what it was not is named",
  async (world) => {
    const run = (allow: string) =>
      home.loop(home.folder, "run", `${world}.wasm`, `--allow=${allow}`, "--invoke", "go-on()");
    expect(await run("wasi:webgpu,loop:kept-webgpu")).toMatchObject({ code: 0 });
    const { code, said } = await run("wasi:webgpu");
    expect([code, said]).toEqual([1, expect.stringContaining("loop:kept-webgpu/gpu#take-device")]);
    expect(said).toContain("--allow=loop:kept-webgpu");
  },
  60_000,
);
