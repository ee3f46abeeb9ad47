import { fault } from "./fault.ts";

// Amounts as a person writes them, "500ms" and "64M", and back.

const units = {
  time: [
    ["ms", 1],
    ["s", 1000],
    ["m", 60_000],
    ["h", 3_600_000],
  ],
  bytes: [
    ["", 1],
    ["K", 1024],
    ["M", 1024 ** 2],
    ["G", 1024 ** 3],
  ],
} as const;

const wanted = {
  time: "a time such as 500ms, 2s or 1m",
  bytes: "a number of bytes such as 65536, 512K, 64M or 1G",
} as const;

/** Where the amount was written, for the fault: "--timeout", "timeout in [slots.style]". */
type Place = string;

const parse = (kind: keyof typeof units, text: string, place: Place): number => {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text) ?? [];
  const found = units[kind].find(([name]) => name.toLowerCase() === unit.toLowerCase());
  const amount = found && digits !== "" ? Number(digits) * found[1] : Number.NaN;
  if (amount > 0 && amount <= Number.MAX_SAFE_INTEGER) return amount;
  throw fault("LK0004", `${place} is ${wanted[kind]}, above zero, and "${text}" was written`);
};

/** "500ms" → 500. Fault LK0004. */
export const parseMs = (text: string, place: Place): number => parse("time", text, place);

/** "64M" → 67108864. Fault LK0004. */
export const parseBytes = (text: string, place: Place): number => Math.floor(parse("bytes", text, place));

const print = (kind: keyof typeof units, amount: number): string => {
  const fitting = units[kind].filter(([, size]) => amount >= size && Number.isInteger(amount / size)).at(-1);
  const [name, size] = fitting ?? units[kind][0];
  return `${amount / size}${name}`;
};

/** 500 → "500ms", 2000 → "2s", so that it can be typed again. */
export const printMs = (ms: number): string => print("time", ms);

/** 67108864 → "64M"; what is no whole number of a larger unit stays bytes. */
export const printBytes = (bytes: number): string => print("bytes", bytes);
