import { note, write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import { values } from "../../arguments.ts";
import { buildShown } from "../../built.ts";
import { duration, json, size } from "../../text.ts";

/** `loop build`: one line about what was done, or a JSON document of the same. */
export const buildFolder = (invocation: Invocation): number => {
  const given = values(invocation);
  const [folder = "."] = given("folder");
  const outcome = buildShown(folder, given("force").length > 0);
  if (invocation.json) {
    write(json(outcome));
    return 0;
  }
  for (const warning of outcome.warnings) note(warning);
  const what = `${outcome.component} (${size(outcome.bytes)})`;
  write(
    outcome.built
      ? `Built ${outcome.name} in ${duration(outcome.durationMs)}: ${what}\n`
      : `${outcome.name} is up to date: ${what}\n`,
  );
  return 0;
};
