import type { InstanceContext } from "../../host/provider.ts";

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 80;
/** Work that ends sooner shows nothing, so that quick commands do not flicker. */
const delayMs = 200;
const encoder = new TextEncoder();

/** `loop:cli/progress#task` over the instance's standard error; it shows nothing where that is no terminal. */
export const taskClass = (context: Pick<InstanceContext, "stdio" | "onDrop">) => {
  const { stderr } = context.stdio;
  const show = (text: string) => void stderr.write(encoder.encode(text));
  return class Task {
    readonly #label: string;
    readonly #timer: ReturnType<typeof setInterval> | undefined;
    readonly #startMs = performance.now();
    #detail = "";
    #shown = false;
    #done = false;

    constructor(label: string) {
      this.#label = label;
      if (!stderr.isTerminal) return;
      this.#timer = setInterval(() => this.#draw(), frameMs);
      this.#timer.unref();
      context.onDrop(() => this.finish());
    }

    update(detail: string): void {
      this.#detail = detail;
    }

    finish(): void {
      if (this.#done) return;
      this.#done = true;
      clearInterval(this.#timer);
      if (this.#shown) show("\r\x1b[K");
    }

    [Symbol.dispose](): void {
      this.finish();
    }

    #draw(): void {
      const elapsedMs = performance.now() - this.#startMs;
      if (elapsedMs < delayMs) return;
      this.#shown = true;
      const frame = frames[Math.floor(elapsedMs / frameMs) % frames.length];
      show(`\r\x1b[K${frame} ${oneLine(`${this.#label} ${this.#detail}`)}`);
    }
  };
};

/** A guest's text must not move the cursor, nor wrap. */
const oneLine = (text: string): string =>
  text
    .replace(/\p{Cc}/gu, " ")
    .trim()
    .slice(0, 76);
