import { resolve } from "loop:pkg/resolver@0.1.0";
import { spawn } from "loop:process/processes@0.1.0";
import { get, set } from "loop:storage/key-value@0.1.0";
import { getEnvironment } from "wasi:cli/environment@0.2.12";
import { getDirectories } from "wasi:filesystem/preopens@0.2.12";

/** An err of an import, or what else was thrown, as text. */
const refusal = (error: unknown): string => {
  const { payload } = error as { payload?: unknown };
  return payload === undefined ? String(error) : JSON.stringify(payload);
};

/** Adds a note to those that were kept. */
export const note = (text: string): string => {
  try {
    const kept = get("notes");
    const all = `${kept ? `${new TextDecoder().decode(kept)}, ` : ""}${text}`;
    set("notes", new TextEncoder().encode(all));
    return all;
  } catch (error) {
    throw refusal(error);
  }
};

export const start = (program: string): string => {
  try {
    const child = spawn({
      program,
      args: [],
      env: [],
      folder: undefined,
      stdin: "none",
      stdout: "none",
      stderr: "none",
    });
    return JSON.stringify(child.wait());
  } catch (error) {
    throw refusal(error);
  }
};

export const look = (identifier: string): string => resolve(identifier).scheme;

export const see = (): string[] => [
  ...getEnvironment().map(([name, value]) => `${name}=${value}`),
  ...getDirectories().map(([, name]) => name),
];
