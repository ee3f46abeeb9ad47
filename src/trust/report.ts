import { limits } from "../base/limits.ts";
import { plain, plainLine } from "../base/plain.ts";
import { unversioned } from "../contract/model.ts";
import { type Denial, flagText, kindOf, tableText, type WrittenGrant } from "./written.ts";

/** The exact flag, and the exact lines of loop.toml, that give an interface to a component that a person runs. */
export const grantHint = (identifier: string, interfaceName: string): string | undefined => {
  const kind = kindOf(interfaceName);
  return kind === "capability" && !interfaceName.startsWith("wasi:")
    ? ways(identifier, [{ kind, value: unversioned(interfaceName) }])
    : undefined;
};

const ways = (identifier: string, grants: readonly WrittenGrant[], command = "run"): string =>
  [
    // A line end in a value would begin a line that reads as ours.
    plainLine(`loop ${command} ${identifier} ${grants.map(flagText).join(" ")}`, limits.authorityLengthMax),
    "or, where it is built, in loop.toml:",
    ...tableText(grants).map((line) => `  ${line}`),
  ].join("\n");

/** What a run was refused, for a person: each thing, then what grants all of it. Empty for no denials. */
export const denialText = (
  identifier: string,
  denials: readonly Denial[],
  command: "run" | "serve" = "run",
): string => {
  if (denials.length === 0) return "";
  const grants = new Map<string, WrittenGrant>();
  for (const { grant } of denials) if (grant) grants.set(`${grant.kind} ${grant.value}`, grant);
  const lines = denials.map(
    ({ wanted, grant, hint }) =>
      `  ${plainLine(wanted, limits.shownLengthMax)}${grant || hint ? "" : ", which no provider offers"}`,
  );
  // Names of files and programs are the guest's own words.
  return plain(
    `${[
      `loop: ${identifier} was denied what it was not granted:`,
      ...lines,
      ...new Set(
        denials.flatMap(({ hint }) => (hint ? [`hint: ${plainLine(hint, limits.authorityLengthMax)}`] : [])),
      ),
      ...(grants.size > 0 ? [`hint: ${ways(identifier, [...grants.values()], command)}`] : []),
    ].join("\n")}\n`,
  );
};
