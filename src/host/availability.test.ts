import { expect, test } from "bun:test";
import { Fault } from "../base/fault.ts";
import { wasmTools } from "../contract/tools.ts";
import { verify } from "../trust/verify.ts";
import { absenceOf, platform } from "./availability.ts";
import { link } from "./plan.ts";
import type { Provider } from "./provider.ts";

const api = "t:t/gpu@0.1.0";
const guest = verify(
  "app.wasm",
  await (await wasmTools()).parse(
    `(component (import "${api}" (instance (export "draw" (func (result u32))))))`,
  ),
);
const other = verify("other.wasm", await (await wasmTools()).parse("(component)"));

const provider = (name: string, more: Partial<Provider> = {}): Provider => ({
  name,
  interfaces: [api],
  suspending: [],
  defaultGranted: "*",
  instantiate: () => ({ [api]: { draw: () => 1 } }),
  ...more,
});
const elsewhere: NodeJS.Platform = process.platform === "win32" ? "darwin" : "win32";

const refused = async (providers: readonly Provider[]): Promise<Fault> => {
  try {
    await link(guest, { providers });
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("It was linked");
};

test("a capability that the machine lacks is refused before the start, with its name, the platform and what helps", async () => {
  const probe = () => ({ because: "finds no GPU", help: "xvfb-run loop run app.wasm" });
  const { code, message, hint } = await refused([provider("vulkan", { probe })]);
  expect([code, message, hint]).toEqual([
    "LK0703",
    `app.wasm imports ${api}, which is absent on ${platform}: host:vulkan finds no GPU`,
    "xvfb-run loop run app.wasm",
  ]);
});

test("where one provider cannot serve, the next one does", async () => {
  const lacking = provider("vulkan", { probe: async () => ({ because: "finds no GPU" }) });
  const foreign = provider("metal", { platforms: [elsewhere] });
  await link(guest, { providers: [lacking, foreign, provider("software")] });
  const { message } = await refused([lacking, foreign]);
  expect(message).toEndWith(`host:vulkan finds no GPU; host:metal is there on ${elsewhere} alone`);
});

test("a probe is asked once a process, and only where a guest imports what it is about", async () => {
  let asked = 0;
  const probe = () => {
    asked++;
    return undefined;
  };
  const one = provider("one", { probe });
  await link(other, { providers: [one] });
  expect(asked).toBe(0);
  await link(guest, { providers: [one] });
  await link(guest, { providers: [{ ...one }] });
  expect(asked).toBe(1);
});

test("a probe that fails is an absence and says why", async () => {
  const probe = () => {
    throw new Error("libSDL2.so: cannot open");
  };
  expect(await absenceOf(provider("window", { probe }))).toEqual({
    because: "could not be asked: libSDL2.so: cannot open",
  });
});

test("platforms decide before a probe is asked", async () => {
  const probe = () => {
    throw new Error("asked");
  };
  expect(await absenceOf(provider("window", { platforms: [elsewhere], probe }))).toEqual({
    because: `is there on ${elsewhere} alone`,
  });
});
