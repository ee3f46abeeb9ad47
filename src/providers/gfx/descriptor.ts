import { limits } from "../../base/limits.ts";
import { bits, dimension, type Flags, feature, format, vertexFormat } from "./names.ts";

// Descriptors from WIT's JavaScript to WebGPU's, for our interface and the public one alike: records keep their
// shape, so what differs is found by the names of their fields.

/** An object of ours that stands for one of Dawn's. */
export interface Wrapped {
  readonly native: unknown;
}

type Plain = Readonly<Record<string, unknown>>;

const isWrapped = (value: object): value is Wrapped => "native" in value;

/**
 * The descriptor as Dawn takes it: no undefined members, numbers for bigints, Dawn's objects for ours. `usage`
 * flags, which mean different things in different places, are the caller's.
 */
export const plain = <T>(value: object): T => {
  const made: Record<string, unknown> = {};
  for (const key in value) {
    const member = (value as Plain)[key];
    if (member !== undefined) made[key] = byKey[key]?.(member) ?? converted(member);
  }
  return made as T;
};

const converted = (value: unknown): unknown => {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  // An attachment or target that is left out is null for WebGPU.
  if (Array.isArray(value)) return value.map((item) => (item === undefined ? null : converted(item)));
  return isWrapped(value) ? value.native : plain(value);
};

interface Case {
  readonly tag: string;
  readonly val?: unknown;
}

const constants = (value: unknown): Record<string, number> =>
  Object.fromEntries(Array.isArray(value) ? value : (value as { entries(): [string, number][] }).entries());

const layout = (value: unknown): unknown =>
  typeof value === "object" && value !== null && "tag" in value
    ? (value as Case).tag === "auto"
      ? "auto"
      : converted((value as Case).val)
    : converted(value);

const text = (value: unknown): string => String(value).slice(0, limits.gpuLabelLengthMax);

const byKey: Readonly<Record<string, (value: unknown) => unknown>> = {
  label: text,
  format: (value) => vertexFormat(format(value as string)),
  depthStencilFormat: (value) => format(value as string),
  viewFormats: (value) => (value as string[]).map(format),
  colorFormats: (value) =>
    (value as (string | undefined)[]).map((name) => (name === undefined ? null : format(name))),
  dimension: (value) => dimension(value as string),
  viewDimension: (value) => dimension(value as string),
  visibility: (value) => bits("shaderStage", value as Flags),
  writeMask: (value) => bits("colorWrite", value as Flags),
  requiredFeatures: (value) => (value as string[]).map(feature),
  constants,
  layout,
  resource: (value) => converted((value as Case).val),
};
