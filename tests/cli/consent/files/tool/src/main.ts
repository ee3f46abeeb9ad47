import { write } from "loop:cli/terminal@0.1.0";
import { resolve } from "loop:pkg/resolver@0.1.0";

const run = (): number => {
  write(`${resolve("builtin:run").scheme}\n`);
  return 0;
};

export const command = { run };
