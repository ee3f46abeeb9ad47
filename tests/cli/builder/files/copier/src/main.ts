import type { Request } from "loop:build/builder@0.1.0";
import { all, get } from "loop:slots/config@0.1.0";

/** "Builds" a language whose source already is a component: it hands the main file's bytes back. */
export const builder = {
  build(request: Request): Uint8Array {
    const refuses = get("refuse");
    if (refuses !== undefined && JSON.parse(refuses) === true)
      throw {
        code: "CP0001",
        message: `Not today: ${request.files.map(({ path }) => path).join(" ")}; ${JSON.stringify(all())}`,
        hint: undefined,
        causes: [],
      };
    const main = request.files.find(({ path }) => path === request.main);
    if (!main) throw { code: "CP0002", message: `No ${request.main}`, hint: undefined, causes: [] };
    return main.bytes;
  },
};
