import { chain, pointer, struct, text, u32, u64 } from "./memory.ts";

// The structures of webgpu.h that calls write: where what they say lies. WGPULimits, which goes both ways, is in layout.ts.

export const adapterInfo = struct(
  chain,
  ["vendor", text],
  ["architecture", text],
  ["device", text],
  ["description", text],
  ["backendType", u32],
  ["adapterType", u32],
  ["vendorID", u32],
  ["deviceID", u32],
  ["subgroupMinSize", u32],
  ["subgroupMaxSize", u32],
);

export const surfaceTexture = struct(chain, ["texture", pointer], ["status", u32]);
export const surfaceCapabilities = struct(
  chain,
  ["usages", u64],
  ["formatCount", u64],
  ["formats", pointer],
  ["presentModeCount", u64],
  ["presentModes", pointer],
  ["alphaModeCount", u64],
  ["alphaModes", pointer],
);
export const compilationInfo = struct(chain, ["messageCount", u64], ["messages", pointer]);
export const compilationMessage = struct(
  chain,
  ["message", text],
  ["type", u32],
  ["lineNum", u64],
  ["linePos", u64],
  ["offset", u64],
  ["length", u64],
);
