const keptFrames = 100;

/** How frames went: the last hundred, and those of the last second. */
export class FrameStats {
  frames = 0;
  /** Events thrown away. */
  lost = 0;
  readonly #work = new Ring(keptFrames);
  readonly #show = new Ring(keptFrames);
  #secondMs = performance.now();
  #inSecond = 0;
  #perSecond = 0;

  worked(ms: number): void {
    this.frames++;
    this.#work.add(ms);
    this.#inSecond++;
    const nowMs = performance.now();
    if (nowMs - this.#secondMs < 1000) return;
    this.#perSecond = (this.#inSecond * 1000) / (nowMs - this.#secondMs);
    this.#inSecond = 0;
    this.#secondMs = nowMs;
  }

  shown(ms: number): void {
    this.#show.add(ms);
  }

  get framesPerSecond(): number {
    return this.#perSecond;
  }

  get workMs(): number {
    return this.#work.mean;
  }

  get workMsMax(): number {
    return this.#work.max;
  }

  get showMs(): number {
    return this.#show.mean;
  }
}

class Ring {
  readonly #values: Float64Array;
  #count = 0;

  constructor(size: number) {
    this.#values = new Float64Array(size);
  }

  add(value: number): void {
    this.#values[this.#count++ % this.#values.length] = value;
  }

  get #filled(): Float64Array {
    return this.#values.subarray(0, Math.min(this.#count, this.#values.length));
  }

  get mean(): number {
    const filled = this.#filled;
    return filled.length === 0 ? 0 : filled.reduce((sum, value) => sum + value, 0) / filled.length;
  }

  get max(): number {
    return this.#filled.reduce((most, value) => Math.max(most, value), 0);
  }
}
