import { readFileSync } from "node:fs";
import { join } from "node:path";
import { typescript } from "../../builders/typescript.ts";
import { completed } from "../../builders/wit.ts";

/** Bytes of a test's guest: `guest/NAME.guest.js` in the world NAME of `guest/NAME.wit`. Takes some two seconds. */
export const buildGuest = async (name: string): Promise<Uint8Array> => {
  const folder = join(import.meta.dir, "guest");
  const wit = await completed(
    new Map([[`wit/${name}.wit`, readFileSync(join(folder, `${name}.wit`), "utf8")]]),
  );
  const request = { folder, name, main: `${name}.guest.js`, world: name, wit, settings: {} };
  return (await typescript.build(request)).component;
};
