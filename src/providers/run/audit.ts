import { writeFileAtomic } from "../../base/files.ts";
import { limits } from "../../base/limits.ts";
import type { Audit, Use } from "../../host/audit.ts";

interface Total extends Pick<Use, "capability" | "action" | "target"> {
  times: number;
  bytes: number;
}

/** Counts the uses of capabilities during one run: each kind of use of each target once, in the order of first use. */
export class Tally {
  readonly #totals = new Map<string, Total>();

  readonly audit: Audit = ({ capability, action, target, bytes = 0 }) => {
    const key = `${capability}\0${action}\0${target}`;
    const full = this.#totals.size >= limits.auditUsesMax && !this.#totals.has(key);
    const total = full
      ? this.#total(capability, action, "(others)")
      : this.#total(capability, action, target);
    total.times += 1;
    total.bytes += bytes;
  };

  #total(capability: string, action: string, target: string): Total {
    const key = `${capability}\0${action}\0${target}`;
    const total = this.#totals.get(key) ?? { capability, action, target, times: 0, bytes: 0 };
    this.#totals.set(key, total);
    return total;
  }

  /** For a person: capabilities together, one line each use. */
  table(): string {
    if (this.#totals.size === 0) return "No capability was used\n";
    const totals = [...this.#totals.values()].sort((a, b) => (a.capability < b.capability ? -1 : 1));
    const rows = [
      ["CAPABILITY", "ACTION", "TARGET", "TIMES", "BYTES"],
      ...totals.map(({ capability, action, target, times, bytes }) => [
        capability,
        action,
        printable(target),
        `${times}`,
        bytes > 0 ? `${bytes}` : "",
      ]),
    ];
    const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
    const line = (row: readonly string[]) =>
      row
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join("  ")
        .trimEnd();
    return `${rows.map(line).join("\n")}\n`;
  }

  /** For programs: JSON, one line each use. Faults: LK0006. */
  write(path: string): void {
    writeFileAtomic(path, [...this.#totals.values()].map((total) => `${JSON.stringify(total)}\n`).join(""));
  }
}

/** A guest chose it: nothing in it may move the cursor. */
const printable = (text: string): string =>
  JSON.stringify(text)
    .slice(1, -1)
    .replace(/[\u007f-\u009f]/g, "?");
