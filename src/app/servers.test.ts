import { expect, test } from "bun:test";
import { Fault } from "../base/fault.ts";
import type { Provider } from "../host/provider.ts";
import type { Filling } from "../slots/declaration.ts";
import { decide } from "../slots/precedence.ts";
import { tableSource } from "../slots/source.ts";
import { capabilitySlots } from "./capabilities.ts";
import { serversOf } from "./servers.ts";

const api = "t:gfx/gpu@0.1.0";
const frame = "t:gfx/frame@0.1.0";
const provider = (name: string, interfaces: string[], more: Partial<Provider> = {}): Provider => ({
  name,
  interfaces,
  suspending: [],
  defaultGranted: "*",
  instantiate: () => ({}),
  ...more,
});
const elsewhere: NodeJS.Platform = process.platform === "win32" ? "darwin" : "win32";
const vulkan = provider("vulkan", [api], { probe: () => ({ because: "finds no GPU" }) });
const software = provider("software", [api, frame]);
const foreign = provider("foreign", [api], { platforms: [elsewhere] });
const hosts = [vulkan, foreign, software];
const slot = capabilitySlots(hosts).find(({ name }) => name === "provider:t:gfx")!;

const decision = (...identifiers: string[]) => {
  const fillings: Filling[] = identifiers.map((identifier) => ({ identifier, grants: [] }));
  const choice = { fillings, place: "test" };
  return decide(slot, identifiers.length ? [tableSource("flag", new Map([[slot.name, choice]]))] : []);
};
const standings = async (...identifiers: string[]) =>
  (await serversOf(decision(...identifiers), hosts, [api, frame])).map(
    ({ identifier, standing, interfaces }) => `${identifier} ${standing} ${interfaces.join(" ")}`.trim(),
  );

test("the default of a capability's slot is what serves on this platform, in the order of the table", async () => {
  expect(slot.defaults.map(({ identifier }) => identifier)).toEqual(["host:vulkan", "host:software"]);
  expect(await standings()).toEqual(["host:vulkan absent", "host:software serves t:gfx/gpu t:gfx/frame"]);
});

test("a choice sets the order, and whoever comes after one that serves everything is not reached", async () => {
  expect(await standings("host:software", "host:vulkan")).toEqual([
    "host:software serves t:gfx/gpu t:gfx/frame",
    "host:vulkan unreached",
  ]);
  expect(await standings("host:vulkan", "/soft.wasm")).toEqual(["host:vulkan absent", "/soft.wasm before"]);
  expect(await standings("host:software", "/soft.wasm")).toEqual([
    "host:software serves t:gfx/gpu t:gfx/frame",
    "/soft.wasm unreached",
  ]);
});

test("behind components stand the host's providers, unless some are named", async () => {
  expect(await standings("/a.wasm")).toEqual([
    "/a.wasm before",
    "host:vulkan absent",
    "host:foreign absent",
    "host:software serves t:gfx/gpu t:gfx/frame",
  ]);
  expect(await standings("/a.wasm", "host:vulkan")).toEqual(["/a.wasm before", "host:vulkan absent"]);
});

test("a provider of another capability cannot be named", async () => {
  const error = await serversOf(decision("host:http"), hosts, [api]).catch((error) => error);
  expect(error).toBeInstanceOf(Fault);
  expect(error.message).toBe("host:http does not serve t:gfx; host:vulkan, host:foreign, host:software does");
});
