import { write } from "loop:cli/terminal@0.1.0";

export const command = {
  run: (): number => {
    write("Deployed\n");
    return 0;
  },
};
