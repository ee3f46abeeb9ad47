// The names that WebGPU gives to choices, with the numbers of webgpu.h; 0 says that nothing was chosen.

const numbered = (names: string, first = 1): ReadonlyMap<string, number> =>
  new Map(
    names
      .trim()
      .split(/\s+/)
      .map((name, index) => [name, index + first] as const),
  );

export const addressModes = numbered("clamp-to-edge repeat mirror-repeat");
export const aspects = numbered("all stencil-only depth-only");
export const blendFactors =
  numbered(`zero one src one-minus-src src-alpha one-minus-src-alpha dst one-minus-dst
  dst-alpha one-minus-dst-alpha src-alpha-saturated constant one-minus-constant src1 one-minus-src1 src1-alpha
  one-minus-src1-alpha`);
export const blendOperations = numbered("add subtract reverse-subtract min max");
/** In layouts 0 says that it is not of this kind, and 1 that nothing was chosen. */
export const bufferBindings = numbered("uniform storage read-only-storage", 2);
export const compares = numbered("never less equal less-equal greater not-equal greater-equal always");
export const cullModes = numbered("none front back");
export const errorFilters = numbered("validation out-of-memory internal");
export const features =
  numbered(`depth-clip-control depth32float-stencil8 timestamp-query texture-compression-bc
  texture-compression-bc-sliced-3d texture-compression-etc2 texture-compression-astc
  texture-compression-astc-sliced-3d indirect-first-instance shader-f16 rg11b10ufloat-renderable bgra8unorm-storage
  float32-filterable float32-blendable clip-distances dual-source-blending subgroups`);
export const filters = numbered("nearest linear");
export const frontFaces = numbered("ccw cw");
export const indexFormats = numbered("uint16 uint32");
export const loadOps = numbered("load clear");
export const powerPreferences = numbered("low-power high-performance");
export const queryTypes = numbered("occlusion timestamp");
export const samplerBindings = numbered("filtering non-filtering comparison", 2);
export const sampleTypes = numbered("float unfilterable-float depth sint uint", 2);
export const stencilOperations = numbered(
  "keep zero replace invert increment-clamp decrement-clamp increment-wrap decrement-wrap",
);
export const stepModes = numbered("vertex instance");
export const storageAccesses = numbered("write-only read-only read-write", 2);
export const storeOps = numbered("store discard");
export const textureDimensions = numbered("1d 2d 3d");
export const textureFormats =
  numbered(`r8unorm r8snorm r8uint r8sint r16uint r16sint r16float rg8unorm rg8snorm rg8uint
  rg8sint r32float r32uint r32sint rg16uint rg16sint rg16float rgba8unorm rgba8unorm-srgb rgba8snorm rgba8uint rgba8sint
  bgra8unorm bgra8unorm-srgb rgb10a2uint rgb10a2unorm rg11b10ufloat rgb9e5ufloat rg32float rg32uint rg32sint rgba16uint
  rgba16sint rgba16float rgba32float rgba32uint rgba32sint stencil8 depth16unorm depth24plus depth24plus-stencil8
  depth32float depth32float-stencil8 bc1-rgba-unorm bc1-rgba-unorm-srgb bc2-rgba-unorm bc2-rgba-unorm-srgb
  bc3-rgba-unorm bc3-rgba-unorm-srgb bc4-r-unorm bc4-r-snorm bc5-rg-unorm bc5-rg-snorm bc6h-rgb-ufloat bc6h-rgb-float
  bc7-rgba-unorm bc7-rgba-unorm-srgb etc2-rgb8unorm etc2-rgb8unorm-srgb etc2-rgb8a1unorm etc2-rgb8a1unorm-srgb
  etc2-rgba8unorm etc2-rgba8unorm-srgb eac-r11unorm eac-r11snorm eac-rg11unorm eac-rg11snorm astc-4x4-unorm
  astc-4x4-unorm-srgb astc-5x4-unorm astc-5x4-unorm-srgb astc-5x5-unorm astc-5x5-unorm-srgb astc-6x5-unorm
  astc-6x5-unorm-srgb astc-6x6-unorm astc-6x6-unorm-srgb astc-8x5-unorm astc-8x5-unorm-srgb astc-8x6-unorm
  astc-8x6-unorm-srgb astc-8x8-unorm astc-8x8-unorm-srgb astc-10x5-unorm astc-10x5-unorm-srgb astc-10x6-unorm
  astc-10x6-unorm-srgb astc-10x8-unorm astc-10x8-unorm-srgb astc-10x10-unorm astc-10x10-unorm-srgb astc-12x10-unorm
  astc-12x10-unorm-srgb astc-12x12-unorm astc-12x12-unorm-srgb`);
export const topologies = numbered("point-list line-list line-strip triangle-list triangle-strip");
export const vertexFormats =
  numbered(`uint8 uint8x2 uint8x4 sint8 sint8x2 sint8x4 unorm8 unorm8x2 unorm8x4 snorm8
  snorm8x2 snorm8x4 uint16 uint16x2 uint16x4 sint16 sint16x2 sint16x4 unorm16 unorm16x2 unorm16x4 snorm16 snorm16x2
  snorm16x4 float16 float16x2 float16x4 float32 float32x2 float32x3 float32x4 uint32 uint32x2 uint32x3 uint32x4 sint32
  sint32x2 sint32x3 sint32x4 unorm10-10-10-2 unorm8x4-bgra`);
export const viewDimensions = numbered("1d 2d 2d-array cube cube-array 3d");

/** How pictures come on the screen, WGPUPresentMode: without waiting for the display, which is what loop paces by itself. */
export const presentModes = { immediate: 3, mailbox: 4 } as const;
