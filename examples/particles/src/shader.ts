/** WGSL: `advance` takes a particle a frame further, `corner` and `pixel` draw it. */
export const shader = `
struct Settings {
  pointer: vec2f,
  seconds: f32,
  // Height by width of the window.
  aspect: f32,
  count: f32,
  size: f32,
}

struct Particle { at: vec2f, speed: vec2f }

@group(0) @binding(0) var<uniform> settings: Settings;
@group(0) @binding(1) var<storage, read_write> moved: array<Particle>;
@group(0) @binding(2) var<storage, read> drawn: array<Particle>;

@compute @workgroup_size(64) fn advance(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= u32(settings.count)) { return; }
  var particle = moved[id.x];
  let away = settings.pointer - particle.at;
  // Softened, so that nothing is flung away by coming too near.
  let pull = away / (dot(away, away) + 0.15) * 0.9;
  particle.speed = (particle.speed + pull * settings.seconds) * 0.999;
  particle.at += particle.speed * settings.seconds;
  moved[id.x] = particle;
}

struct Corner { @builtin(position) at: vec4f, @location(0) colour: vec3f }

@vertex fn corner(@builtin(vertex_index) i: u32) -> Corner {
  let corners = array(vec2f(0, 1), vec2f(-0.87, -0.5), vec2f(0.87, -0.5));
  let particle = drawn[i / 3];
  let at = (particle.at + corners[i % 3] * settings.size) * vec2f(settings.aspect, 1);
  let speed = smoothstep(0.35, 1.25, length(particle.speed));
  let colour = mix(vec3f(0.1, 0.3, 1), vec3f(1, 0.45, 0.1), speed);
  return Corner(vec4f(at, 0, 1), colour);
}

@fragment fn pixel(corner: Corner) -> @location(0) vec4f { return vec4f(corner.colour, 0.7); }
`;
