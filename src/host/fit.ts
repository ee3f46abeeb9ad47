import { fault } from "../base/fault.ts";
import { shellWord } from "../base/word.ts";
import { describeDifference, differences } from "../contract/compare.ts";
import { unversioned, type World } from "../contract/model.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import type { Candidate, PlaceOptions } from "./live.ts";
import { applicationPlace } from "./places.ts";

// Whether what is to stand in a place may stand there: asked before it is linked, and again before it is started.

/** Fault LK0402 where its world is not what callers use of the place. */
export const requireFit = (
  { contract, place }: Pick<PlaceOptions, "contract" | "place">,
  { identifier }: Pick<VerifiedComponent, "identifier">,
  world: World,
): void => {
  const found = differences(contract, world);
  if (found.length === 0) return;
  const shown = found.slice(0, 3).map(describeDifference).join("; ");
  throw fault("LK0402", `${identifier} does not fit ${place}: ${shown}`, {
    hint: `loop inspect ${shellWord(identifier)} --wit`,
  });
};

/** Faults: LK0402 where callers cannot wait for it, LK0701 where it wants more than what stands there was granted. */
export const requireMayStart = (
  { waits, place }: Pick<PlaceOptions, "waits" | "place">,
  { plan, lacks = [] }: Pick<Candidate, "plan" | "lacks">,
): void => {
  const { identifier } = plan.component;
  if (plan.suspends && !waits)
    throw fault(
      "LK0402",
      `${identifier} imports what may wait, and whoever calls ${place} was linked to what does not`,
      { hint: "start the application again" },
    );
  if (lacks.length > 0)
    throw fault(
      "LK0701",
      `${identifier} wants ${lacks.join(", ")}, which was not granted to what stands in ${place}`,
      {
        hint:
          place === applicationPlace
            ? `start the application again with ${lacks.map((name) => `--allow=${unversioned(name)}`).join(" ")}`
            : `loop slot set ${place} ${identifier} ${lacks.map((name) => `--grant ${unversioned(name)}`).join(" ")}`,
      },
    );
};
