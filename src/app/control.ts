import { limits } from "../base/limits.ts";
import type { Places } from "../host/places.ts";
import type { LogRecord } from "../host/provider.ts";
import { Journal, logLine } from "../providers/control/journal.ts";
import { stderrSink } from "../providers/core/sink.ts";
import type { RunServices } from "../providers/run/index.ts";

/** What this person's other programs of loop may see of this one, and change: `loop ps`, `loop logs` and the like. */
export class Control {
  readonly #folder: string;
  readonly #places: Places;
  readonly #journal = new Journal();
  #begun = false;

  constructor(folder: string, places: Places) {
    this.#folder = folder;
    this.#places = places;
  }

  /** Hears what components log. */
  readonly tap = (component: string, { level, message, fields }: LogRecord): void =>
    this.#journal.add(logLine(component, level, message, fields));

  /** Hears what a component writes. */
  readonly hear: RunServices["hear"] = (component, { log, ...streams }) => ({
    ...this.#journal.hear(component, streams),
    // A record is kept as one, and not as a line of standard error besides.
    log: log ?? stderrSink(streams.stderr, { component }),
  });

  /** From a moment on: what runs no longer than that nobody looks for. */
  begin(): void {
    if (this.#begun || process.platform === "win32") return;
    this.#begun = true;
    const sinceMs = Date.now();
    const begin = async () => {
      const { listen } = await import("../providers/control/server.ts");
      const what = process.argv.slice(2).join(" ");
      listen({ what, folder: this.#folder, sinceMs, places: this.#places, journal: this.#journal });
    };
    setTimeout(() => void begin(), limits.controlAfterMs).unref();
  }
}
