import { type FSWatcher, watch } from "node:fs";
import { basename, join } from "node:path";
import { errno } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { concerns } from "./graph.ts";
import { glance, type Sight } from "./sights.ts";

/**
 * Notices that something in some folders may have changed. What has changed is for content to say: one wake for a
 * file saved twice, and one for a branch switch. Editors that write by renaming, new folders and symbolic links to
 * folders that are watched are all the same to it. Where the system gives no more watches it looks at intervals.
 */
export class Watch {
  readonly #wake: () => void;
  readonly #watch: typeof watch;
  readonly #sights: readonly Sight[];
  readonly #watchers: FSWatcher[] = [];
  #poll: ReturnType<typeof setInterval> | undefined;
  #quiet: ReturnType<typeof setTimeout> | undefined;
  #firstMs: number | undefined;
  #closed = false;
  #isLost = false;

  /** `open` is the system's own watch, and another in tests. */
  constructor(sights: readonly Sight[], wake: () => void, open: typeof watch = watch) {
    this.#wake = wake;
    this.#watch = open;
    this.#sights = sights;
    for (const sight of sights) this.#open(sight);
  }

  get how(): "events" | "polling" {
    return this.#poll ? "polling" : "events";
  }

  /** A folder is no longer where it was, and another may be there, under the same number even: nobody looks at that one. */
  get isLost(): boolean {
    return this.#isLost;
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers.splice(0)) watcher.close();
    clearInterval(this.#poll);
    clearTimeout(this.#quiet);
  }

  #open({ folder, deep, only }: Sight): void {
    try {
      const watcher = this.#watch(folder, { recursive: deep }, (_, name) => {
        const path = typeof name === "string" ? name : undefined;
        // Its own end is told by its own name, or by none where all below it is looked at.
        const isOwn = path === undefined || (!deep && path === basename(folder));
        if (isOwn) this.#isLost = true;
        if (isOwn || (only === undefined ? concerns(folder, join(folder, path)) : path === only))
          this.#seen();
      });
      watcher.on("error", () => this.#fallBack());
      this.#watchers.push(watcher);
    } catch (error) {
      // A folder that is gone is found gone by whoever looks at it.
      if (errno(error) !== "ENOENT") this.#fallBack();
    }
  }

  #fallBack(): void {
    if (this.#poll || this.#closed) return;
    let seen = glance(this.#sights);
    this.#poll = setInterval(() => {
      const now = glance(this.#sights);
      if (now === seen) return;
      seen = now;
      this.#wake();
    }, limits.devPollMs);
    // What was changed while nobody looked.
    this.#wake();
  }

  /** Waits until nothing has happened for a moment, and no longer than a little. */
  #seen(): void {
    const nowMs = performance.now();
    this.#firstMs ??= nowMs;
    clearTimeout(this.#quiet);
    const leftMs = Math.max(0, this.#firstMs + limits.devSettleMsMax - nowMs);
    this.#quiet = setTimeout(
      () => {
        this.#firstMs = undefined;
        this.#wake();
      },
      Math.min(limits.devQuietMs, leftMs),
    );
  }
}
