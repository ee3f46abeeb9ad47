/** WGSL. `corner` covers the window with one triangle, `pixel` says the colour of each pixel. */
export const shader = `
struct Scene {
  // Of the window, in pixels.
  size: vec2f,
  // Where the pointer is, in pixels.
  pointer: vec2f,
  seconds: f32,
}

@group(0) @binding(0) var<uniform> scene: Scene;

@vertex fn corner(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
  let at = array(vec2f(-1, -1), vec2f(3, -1), vec2f(-1, 3));
  return vec4f(at[i], 0, 1);
}

/** From -1 to 1 from the bottom to the top, and as far to the sides as the window is wide. */
fn place(pixel: vec2f) -> vec2f {
  return (pixel * 2 - scene.size) / scene.size.y * vec2f(1, -1);
}

/** How high a cloth lies that the wind moves: waves that bend each other. */
fn cloth(at: vec2f) -> f32 {
  var p = at * 3;
  var height = 0.0;
  for (var i = 1; i <= 4; i++) {
    let t = scene.seconds * 0.4 + f32(i) * 1.7;
    p += vec2f(sin(p.y * 1.3 + t), cos(p.x * 1.1 - t)) * 0.7;
    height += sin(p.x + p.y * 0.5 + t) / f32(i);
  }
  return height;
}

@fragment fn pixel(@builtin(position) position: vec4f) -> @location(0) vec4f {
  let at = place(position.xy);
  let height = cloth(at);
  // How it slopes, from its height a little further on.
  let step = 0.01;
  let slope = vec2f(cloth(at + vec2f(step, 0)) - height, cloth(at + vec2f(0, step)) - height) / step;
  let normal = normalize(vec3f(-slope * 0.2, 1));
  // A lamp hangs over the pointer.
  let lamp = normalize(vec3f(place(scene.pointer) - at, 0.7));
  let light = max(dot(normal, lamp), 0);
  let shine = pow(max(dot(reflect(-lamp, normal), vec3f(0, 0, 1)), 0), 24);
  let warm = vec3f(1, 0.42, 0.25);
  let cold = vec3f(0.15, 0.3, 0.85);
  let colour = mix(cold, warm, smoothstep(-1.2, 1.2, height));
  return vec4f(colour * (0.12 + light) + shine * 0.5, 1);
}
`;
