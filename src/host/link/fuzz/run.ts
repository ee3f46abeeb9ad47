// Random components through both linkers. Owns the types, the values and the echoing guest; refuses to judge jco,
// which is a witness and not the law; called by the linker's tests and by scripts/fuzz.ts.
import { verify } from "../../../trust/verify.ts";
import { decoded } from "../../decoded.ts";
import { jcoLinker } from "../../jco.ts";
import { linkComponent } from "../link.ts";
import type { Recipe } from "../recipe.ts";
import { type Call, type Crossing, crossings, randomCall } from "./compare.ts";
import { type Echo, echoComponent } from "./echo.ts";
import { Random } from "./random.ts";

/** Calls that did not cross unchanged, by the linker that changed them. */
export interface Differences {
  readonly ours: string[];
  readonly jco: string[];
}

/**
 * One random component through both linkers: every call has to cross unchanged. jco writes to the cache, so the
 * caller points it at a temporary folder.
 */
export const fuzzComponent = async (
  seed: number,
  { funcs, calls }: { funcs: number; calls: number },
): Promise<Differences> => {
  const random = new Random(seed);
  const echo = await echoComponent(random, funcs);
  const component = verify(`seed-${seed}`, echo.bytes);
  const request = { component, decoded: decoded(component), suspending: new Set<string>() };
  const walked = await walkedAndReplayed(echo);
  const theirs = await crossings(await jcoLinker.link(request), echo);
  const differences: Differences = { ours: [], jco: [] };
  // A trap leaves an instance dead, and everything after it would differ too.
  for (let i = 0; i < calls && differences.ours.length + differences.jco.length === 0; i++) {
    const call = randomCall(random, echo);
    const sent = { received: call.args, answer: call.answer };
    const where = `${call.func.name} ${text(sent)}`;
    for (const own of walked) {
      const mine = tried(() => own(call));
      if (!Bun.deepEquals(mine, sent, true)) differences.ours.push(`${where} gave ${text(mine)}`);
    }
    const other = tried(() => theirs(call));
    if (!Bun.deepEquals(other, sent, true)) differences.jco.push(`${where} gave ${text(other)}`);
  }
  return differences;
};

/** Our linker's two ways to an instance: walking the component, and by the recipe that this wrote. */
const walkedAndReplayed = async (echo: Echo): Promise<((call: Call) => Crossing)[]> => {
  let recipe: Recipe | undefined;
  const walked = await crossings(
    await linkComponent(echo.bytes, {
      onRecipe: (written) => {
        recipe = JSON.parse(JSON.stringify(written)) as Recipe;
      },
    }),
    echo,
  );
  if (!recipe) throw new Error("An echo component left no recipe");
  return [walked, await crossings(await linkComponent(echo.bytes, { recipe }), echo)];
};

const tried = (run: () => Crossing): unknown => {
  try {
    return run();
  } catch (error) {
    return String(error);
  }
};

const text = (value: unknown): string =>
  Bun.inspect(value, { depth: 20, compact: true }).replace(/\s+/g, " ").slice(0, 400);
